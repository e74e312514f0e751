// SPDX-License-Identifier: Apache-2.0

//go:build browser

package segmentpixel_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// tab is a page that stays open in a browser.
type tab struct {
	t       *testing.T
	browser *browser
	session string
}

// stay opens a page and leaves it open. The browser says that it comes from the
// referrer, without which Caddy's admin endpoint lets no browser in.
func (b *browser) stay(t *testing.T, url, referrer string) *tab {
	t.Helper()
	b.events = nil
	var opened struct{ BrowserContextID, TargetID, SessionID string }
	b.call(t, "", "Target.createBrowserContext", struct{}{}, &opened)
	b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": opened.BrowserContextID}, &opened)
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": opened.TargetID, "flatten": true}, &opened)
	t.Cleanup(func() {
		b.call(t, "", "Target.disposeBrowserContext", map[string]any{"browserContextId": opened.BrowserContextID}, nil)
	})
	p := &tab{t: t, browser: b, session: opened.SessionID}
	for _, domain := range []string{"Page", "Log", "Runtime"} {
		p.call(domain+".enable", struct{}{}, nil)
	}
	p.call("Page.navigate", map[string]any{"url": url, "referrer": referrer}, nil)
	b.Await(t, func(m devToolsMessage) bool { return m.Session == p.session && m.Method == "Page.loadEventFired" })
	return p
}

// in is the same tab for a subtest.
func (p *tab) in(t *testing.T) *tab {
	t.Helper()
	return &tab{t: t, browser: p.browser, session: p.session}
}

func (p *tab) call(method string, params, result any) {
	p.t.Helper()
	p.browser.call(p.t, p.session, method, params, result)
}

// evaluate runs an expression in the page and decodes what it comes to.
func (p *tab) evaluate(expression string, result any) {
	p.t.Helper()
	var evaluated struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &evaluated)
	if evaluated.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, evaluated.ExceptionDetails)
	}
	if result == nil || evaluated.Result.Value == nil {
		return
	}
	if err := json.Unmarshal(evaluated.Result.Value, result); err != nil {
		p.t.Fatalf("%s: %v in %s", expression, err, evaluated.Result.Value)
	}
}

// Run runs an expression whatever it comes to.
func (p *tab) Run(expression string) {
	p.t.Helper()
	p.evaluate("void ("+expression+")", nil)
}

func (p *tab) text(expression string) string {
	p.t.Helper()
	var text string
	p.evaluate(expression, &text)
	return text
}

// until waits for a condition in the page.
func (p *tab) until(condition string) {
	p.t.Helper()
	pixeltest.Eventually(p.t, condition, func() bool {
		var holds bool
		p.evaluate("Boolean("+condition+")", &holds)
		return holds
	})
}

// fill sets a field as typing or choosing does.
func (p *tab) fill(id, value string) {
	p.t.Helper()
	p.Run(fmt.Sprintf(`(() => {
		const field = document.getElementById(%q);
		field.value = %q;
		field.dispatchEvent(new Event("input", {bubbles: true}));
		field.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, id, value))
}

func (p *tab) click(id string) {
	p.t.Helper()
	p.Run(fmt.Sprintf("document.getElementById(%q).click()", id))
}

// press presses a key of the keyboard and lets it go.
func (p *tab) press(key string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "ArrowDown": 40, "ArrowUp": 38}
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	p.call("Input.dispatchKeyEvent", down, nil)
	p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

// checkConsole fails for whatever the browser complained of, blocked styles,
// scripts and connections included.
func (p *tab) checkConsole() {
	p.t.Helper()
	var done bool
	p.evaluate("true", &done) // What came before has been reported by now.
	for _, m := range p.browser.events {
		switch m.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			p.t.Errorf("the console says %s", m.Params)
		}
	}
}

// faintTexts lists the texts whose contrast is below 4.5, which WCAG asks for.
const faintTexts = `(() => {
	const numbers = (color) => color.match(/[\d.]+/g).map(Number);
	const light = (color) => {
		const [r, g, b] = numbers(color).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (element) => {
		for (; element; element = element.parentElement) {
			const color = getComputedStyle(element).backgroundColor;
			if (numbers(color)[3] !== 0) return color;
		}
		return "rgb(255, 255, 255)";
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const faint = [];
	while (walker.nextNode()) {
		const element = walker.currentNode.parentElement;
		if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
		const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(element.tagName + ": " + walker.currentNode.textContent.trim());
	}
	return faint;
})()`
