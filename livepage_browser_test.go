// SPDX-License-Identifier: Apache-2.0

//go:build browser

package segmentpixel_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// liveSite serves pixels to a stream, and the live page on the admin endpoint.
type liveSite struct {
	*pixeltest.AdminSite
	nats *pixeltest.Broker
}

func newLiveSite(t *testing.T) *liveSite {
	t.Helper()
	l := &liveSite{AdminSite: pixeltest.NewAdminSite(t), nats: pixeltest.StartNATS(t, -1)}
	body := strings.ReplaceAll(`
		segment_pixel {
			write_key YOUR_WRITE_KEY docs
			write_key ANOTHER_KEY web
			seal DIR/seals
			sink jetstream NATS {
				stream SEGMENT {
					create
				}
			}
		}`, "NATS", l.nats.Server.ClientURL())
	l.Run("segment_pixel {\nrecent off\n}\n", strings.Replace(body, "seal DIR/seals", "", 1)) // forgets what other tests have sent
	sealFile(t, filepath.Join(l.Dir, "seals"), "")
	l.Run("segment_pixel {\nbuilder_seals on\n}\n", body)
	return l
}

// openLive opens the live page and waits until it is connected.
func (b *browser) openLive(t *testing.T, l *liveSite) *tab {
	t.Helper()
	p := b.stay(t, l.Admin+"/segment_pixel/", l.Admin+"/")
	p.until(`document.getElementById("connection").textContent === "● live"`)
	p.until(`document.getElementById("banner-title").textContent === "✓ Ready"`)
	return p
}

// rows returns the texts of the rows that are shown, newest first, by the class of
// a column.
func (p *tab) rows(column string) []string {
	p.t.Helper()
	var texts []string
	p.evaluate(fmt.Sprintf(`[...document.querySelectorAll("#rows > li:not([hidden]) .%s")].map((cell) => cell.textContent)`, column), &texts)
	return texts
}

func (p *tab) untilRows(column string, want ...string) {
	p.t.Helper()
	pixeltest.Eventually(p.t, fmt.Sprintf("the rows show %q", want), func() bool { return slices.Equal(p.rows(column), want) })
}

const (
	goodPixel    = "/v1/pixel/track?writeKey=YOUR_WRITE_KEY&userId=u1&event=Mail+%3Cb%3Eopened%3C/b%3E"
	badBase64    = "/v1/pixel/track?data=eyJ3cml0!"
	unknownKey   = "/v1/pixel/page?writeKey=SOMEBODY_ELSE&userId=u1"
	openDetails  = `document.querySelector("#rows details[open]")`
	rowOfOutcome = `[...document.querySelectorAll("#rows > li")].find((row) => row.textContent.includes(%q))`
)

// TestLivePage follows pixels of all kinds on the page, from the first row to the
// explanation of what is wrong with one.
func TestLivePage(t *testing.T) {
	l := newLiveSite(t)
	p := startBrowser(t).openLive(t, l)
	l.Get(goodPixel)
	l.Get(badBase64)
	l.Get(unknownKey)

	p.untilRows("what", "unknown_write_key", "bad_base64", "Mail <b>opened</b>")
	if got, want := p.rows("outcome"), []string{"✕ rejected", "✕ rejected", "✓ accepted"}; !slices.Equal(got, want) {
		t.Errorf("the outcomes are %q, want %q", got, want)
	}
	if got, want := p.rows("type"), []string{"page", "track", "track"}; !slices.Equal(got, want) {
		t.Errorf("the types are %q, want %q", got, want)
	}
	for filter, value := range map[string]string{"filter-text": "ROUTE_OF_NONE", "filter-source": "docs", "filter-type": "page"} {
		want := map[string][]string{
			"filter-text": nil, "filter-source": {"Mail <b>opened</b>"}, "filter-type": {"unknown_write_key"},
		}[filter]
		p.until(fmt.Sprintf(`[...document.getElementById(%q).options ?? [{value: %q}]].some((option) => option.value === %[2]q)`, filter, value))
		p.fill(filter, value)
		p.untilRows("what", want...)
		p.fill(filter, "")
		p.untilRows("what", "unknown_write_key", "bad_base64", "Mail <b>opened</b>")
	}
	t.Run("rejected", func(t *testing.T) { checkRejectedRow(t, p.in(t)) })
	t.Run("accepted", func(t *testing.T) { checkAcceptedRow(t, p.in(t)) })
	t.Run("pause and clear", func(t *testing.T) {
		p := p.in(t)
		p.click("pause")
		l.Get(goodPixel)
		p.until(`document.getElementById("pause").textContent === "Resume (1)"`)
		p.click("clear")
		p.untilRows("what")
		l.Get(badBase64)
		p.click("pause")
		p.untilRows("what", "bad_base64")
	})
	t.Run("explain", func(t *testing.T) {
		p := p.in(t)
		p.fill("explain-input", l.URL+goodPixel)
		p.Run(`document.querySelector("#explain-form button").click()`)
		p.until(`document.querySelector("#explanation strong")?.textContent === "✓ accepted"`)
		p.until(`document.querySelector("#explanation > div pre").textContent.includes('"userId": "u1"')`)
	})
	p.checkConsole()
}

// checkRejectedRow opens a row by the keyboard alone.
func checkRejectedRow(t *testing.T, p *tab) {
	t.Helper()
	p.Run(`document.querySelector("#totals > li:last-child button").focus()`)
	p.press("Tab")
	p.until(`document.activeElement === document.querySelector("#rows > li summary")`)
	p.press("ArrowDown")
	p.press("Enter")
	p.until(openDetails + `?.querySelector(".why")`)
	why := p.text(openDetails + `.querySelector(".why").innerText`)
	reason, hint, found := strings.Cut(why, "\n")
	if !strings.HasPrefix(reason, "bad_base64: ") || !found || strings.TrimSpace(hint) == "" {
		t.Errorf("the row does not say what is wrong and what to do, but %q", why)
	}
	p.until(openDetails + `.querySelectorAll("h4")[1]?.textContent === "As far as it was read"`)
	if read := p.text(openDetails + `.querySelectorAll("pre")[1].textContent`); read != `{"writ>>>` {
		t.Errorf("what could be read is %q", read)
	}
	if query := p.text(openDetails + `.querySelector("pre").textContent`); query != "data=eyJ3cml0!" {
		t.Errorf("the row shows the query %q", query)
	}
	p.Run(`[...` + openDetails + `.querySelectorAll("button")].find((button) => button.textContent === "Explain").click()`)
	p.until(openDetails + `.querySelector(".steps li")`)
	p.press("Enter")
	p.until("!" + openDetails)
}

func checkAcceptedRow(t *testing.T, p *tab) {
	t.Helper()
	p.Run(fmt.Sprintf(rowOfOutcome, "accepted") + `.querySelector("summary").click()`)
	p.until(openDetails + `?.querySelector("pre")`)
	event := pixeltest.Parse(t, []byte(p.text(openDetails+`.querySelector("pre").textContent`)))
	if textAt(event, "event") != "Mail <b>opened</b>" || textAt(event, "userId") != "u1" {
		t.Errorf("the row shows the event %v", event)
	}
	for _, key := range []string{"YOUR_WRITE_KEY", "SOMEBODY_ELSE"} {
		var shown bool
		p.evaluate(fmt.Sprintf(`document.getElementById("rows").textContent.includes(%q)`, key), &shown)
		if shown {
			t.Errorf("the page shows the write key %s", key)
		}
	}
	p.Run(`document.querySelector("#rows details[open] summary").click()`)
}

// TestLivePageDebugs looks for a few bad pixels among many good ones that came later.
func TestLivePageDebugs(t *testing.T) {
	l := newLiveSite(t)
	p := startBrowser(t).openLive(t, l)
	for i := range 640 {
		if i < 40 {
			l.Get(unknownKey)
		} else {
			l.Get(goodPixel)
		}
	}
	l.Get("/v1/pixel/group?writeKey=YOUR_WRITE_KEY&userId=u7&groupId=acme")
	p.until(`[...document.querySelectorAll("#totals button")].some((chip) => chip.textContent.startsWith("✕ unknown_write_key "))`)
	p.until(`document.querySelector("#problem-list .count")?.textContent === "40 ×"`)
	if remedy := p.text(`document.querySelector("#problem-list .remedy").textContent`); remedy != pixel.UnknownWriteKey.Hint() {
		t.Errorf("the remedy is %q", remedy)
	}
	p.Run(`document.querySelector("#problem-list button").click()`)
	p.untilRows("what", slices.Repeat([]string{"unknown_write_key"}, 40)...)
	lines := exported(t, l, p)
	if len(lines) != 40 || textAt(lines[0], "reason") != "unknown_write_key" {
		t.Errorf("%d lines are exported, of which the first is %v", len(lines), lines[:min(1, len(lines))])
	}

	p.Run(`document.querySelector("#rows li:nth-child(3) summary").click()`)
	p.until(openDetails + `?.querySelector("a[href^='#event-']")`)
	third := p.text(`document.querySelector("#rows li:nth-child(3) time").dateTime`)
	p.Run(openDetails + `.querySelector("a[href^='#event-']").click()`)
	p.until(`document.querySelectorAll("#rows > li").length === 1 && ` + openDetails)
	if alone := p.text(`document.querySelector("#rows time").dateTime`); alone != third {
		t.Errorf("the link leads to the event of %s, not of %s", alone, third)
	}
	p.Run(`document.querySelector("#chosen button").click()`)
	p.until(`document.querySelectorAll("#rows > li").length === 500 && location.hash === ""`)
	p.untilTop("u7, in acme")

	p.Run(`[...document.querySelectorAll("#name-list button")].find((name) => name.textContent === "group").click()`)
	p.untilRows("what", "u7, in acme")
	p.checkConsole()
	l.Close()
	p.until(`document.getElementById("banner-title").textContent.startsWith("✕ Nothing from Caddy since")`)
}

// exported follows the link that exports what is shown.
func exported(t *testing.T, l *liveSite, p *tab) []map[string]any {
	t.Helper()
	_, text := l.Ask("GET", "/segment_pixel/"+p.text(`document.getElementById("export").getAttribute("href")`), "")
	var lines []map[string]any
	for line := range strings.Lines(string(text)) {
		lines = append(lines, pixeltest.Parse(t, []byte(line)))
	}
	return lines
}

// untilTop waits for the newest row.
func (p *tab) untilTop(what string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelector("#rows .what").textContent === %q`, what))
}

// TestLivePageBuilds loads pixels that the page has built, in both ways of writing
// them, and compares what arrives in the stream with what was typed.
func TestLivePageBuilds(t *testing.T) {
	l := newLiveSite(t)
	p := startBrowser(t).openLive(t, l)
	p.until(`document.getElementById("build-source").options.length === 2`)
	p.Run(`(() => {
		const sources = document.getElementById("build-source");
		sources.selectedIndex = [...sources.options].findIndex((option) => option.value.startsWith("web"));
		sources.dispatchEvent(new Event("change", {bubbles: true}));
	})()`)
	if base, key := p.text(`document.getElementById("build-base").value`), p.text(`document.getElementById("build-key").value`); key != "ANOTHER_KEY" || !strings.HasSuffix(base, "/v1/pixel") {
		t.Errorf("the source web has the key %s and the address %s", key, base)
	}
	p.fill("build-base", l.URL+"/v1/pixel/")
	p.Run(`(() => {
		const [name, value] = document.querySelectorAll("#property-rows input");
		name.value = "products.0.id";
		value.value = "ä & +1%";
		value.dispatchEvent(new Event("input", {bubbles: true}));
	})()`)
	for i, output := range []string{"data", "fields"} {
		p.fill("build-user", "user of "+output)
		p.click("output-" + output)
		p.Run(`document.getElementById("build-form").dispatchEvent(new Event("input"))`)
		p.click("load")
		p.until(`document.getElementById("loaded").textContent.startsWith("✓")`)
		p.until(fmt.Sprintf(`document.querySelectorAll("#rows > li").length === %d`, i+1))
		event := pixeltest.Parse(t, l.nats.Await(i + 1)[i].Data)
		if textAt(event, "userId") != "user of "+output || textAt(event, "event") != "Email Opened" {
			t.Errorf("%s: the event is %v", output, event)
		}
		if products, _ := json.Marshal(event["properties"]); string(products) != `{"products":[{"id":"ä \u0026 +1%"}]}` {
			t.Errorf("%s: the properties are %s", output, products)
		}
	}
	if sources := p.rows("source"); !slices.Equal(sources, []string{"web", "web"}) {
		t.Errorf("the sources are %q", sources)
	}

	p.fill("preset", "Braze")
	p.click("use-preset")
	if url := p.text(`document.getElementById("out-url").textContent`); !strings.Contains(url, "userId={{${user_id} | url_encode}}&") {
		t.Errorf("the merge tag is not as it has to be in %s", url)
	}
	p.click("output-sealed")
	p.until(`document.getElementById("out-url").textContent.includes("data=eyJ")`)
	token := strings.TrimPrefix(p.text(`document.getElementById("out-url").textContent.split("?")[1]`), "data=")
	if strings.Count(token, ".") != 4 {
		t.Errorf("no sealed token: %s", token)
	}
	p.click("output-data")
	p.until(`document.getElementById("build-notes").textContent.includes("Merge tags do not work inside data")`)
	for length, note := range map[int]string{2000: "▲ Above 2,000", 15000: "✕ Above 15,000"} {
		p.fill("build-user", strings.Repeat("u", length))
		p.until(fmt.Sprintf(`document.getElementById("build-notes").textContent.includes(%q)`, note))
	}
	p.checkConsole()
}

// TestLivePageTellsTrouble takes NATS away and looks at the banner; then it sends
// more than the page keeps.
func TestLivePageTellsTrouble(t *testing.T) {
	l := newLiveSite(t)
	p := startBrowser(t).openLive(t, l)
	for range 510 {
		l.Get(goodPixel)
	}
	p.until(`document.querySelectorAll("#rows > li").length === 500`)
	p.until(`document.getElementById("cards").textContent.includes("acked510")`)
	p.checkConsole()
	l.nats.Server.Shutdown()
	p.until(`document.getElementById("banner").className !== "is-good" && document.querySelector("#banner li")`)
	p.until(`document.getElementById("cards").textContent.includes("not connected")`)
}

// TestLivePageIsAccessible checks what can be checked without eyes: names of
// controls, contrast in both colour schemes, and a narrow screen.
func TestLivePageIsAccessible(t *testing.T) {
	l := newLiveSite(t)
	p := startBrowser(t).openLive(t, l)
	l.Get(badBase64)
	l.Get(goodPixel)
	p.until(`document.querySelectorAll("#rows > li").length === 2`)
	p.Run(`document.querySelectorAll("#rows summary, #build summary").forEach((summary) => summary.click())`)
	p.until(`document.querySelectorAll("#rows pre").length === 2`)

	checkNames(t, p)
	backgrounds := make(map[string]bool)
	for _, scheme := range []string{"light", "dark"} {
		p.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		backgrounds[p.text("getComputedStyle(document.body).backgroundColor")] = true
		var faint []string
		p.evaluate(faintTexts, &faint)
		if len(faint) != 0 {
			t.Errorf("%s: too little contrast in %q", scheme, faint)
		}
	}
	if len(backgrounds) != 2 {
		t.Errorf("light and dark look alike: %v", backgrounds)
	}
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
	p.until("innerWidth === 360")
	var overflowing []string
	p.evaluate(`[...document.querySelectorAll("main *:not(.unseen)")].filter((element) => element.getBoundingClientRect().right > 360)
		.map((element) => element.outerHTML.slice(0, 100))`, &overflowing)
	var width int
	p.evaluate("document.documentElement.scrollWidth", &width)
	if width > 360 || len(overflowing) != 0 {
		t.Errorf("at 360 pixels the page is %d wide, because of %q", width, overflowing)
	}
	p.checkConsole()
}

// checkNames looks for controls that assistive technology could not name.
func checkNames(t *testing.T, p *tab) {
	t.Helper()
	type said struct{ Value any }
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name said
		}
	}
	p.call("Accessibility.getFullAXTree", struct{}{}, &tree)
	named := 0
	for _, node := range tree.Nodes {
		role, _ := node.Role.Value.(string)
		if node.Ignored || !slices.Contains([]string{"button", "textbox", "searchbox", "combobox", "radio", "link", "meter"}, role) {
			continue
		}
		if name, _ := node.Name.Value.(string); strings.TrimSpace(name) == "" {
			t.Errorf("a %s has no name", role)
			continue
		}
		named++
	}
	if named < 20 {
		t.Errorf("only %d controls were found: the test has lost its point", named)
	}
}
