// SPDX-License-Identifier: Apache-2.0

//go:build browser

package segmentpixel_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// browserSite serves pixels, and pages to embed them in. It does so under two
// names, 127.0.0.1 and localhost, so that a pixel of the one is cross-site in a
// page of the other.
type browserSite struct {
	*pixeltest.Site
	nats      *pixeltest.Broker
	localhost string
}

func newBrowserSite(t *testing.T) *browserSite {
	t.Helper()
	b := &browserSite{Site: pixeltest.NewSite(t), nats: pixeltest.StartNATS(t, -1)}
	b.localhost = "http://localhost:" + strconv.Itoa(pixeltest.FreePort(t))
	b.Load(b.Adapt(strings.NewReplacer("LOCALHOST", b.localhost, "NATS", b.nats.Server.ClientURL()).Replace(`
		http://127.0.0.1:PORT, LOCALHOST {
			bind 127.0.0.1
			root DIR
			header /isolated/* {
				Cross-Origin-Embedder-Policy require-corp
				Cross-Origin-Opener-Policy same-origin
			}
			segment_pixel {
				write_key YOUR_WRITE_KEY docs
				sink jetstream NATS {
					stream SEGMENT {
						create
					}
				}
			}
			file_server
		}`)))
	b.write(t, "/bare.gif", pixel.GIF)
	return b
}

func (b *browserSite) write(t *testing.T, path, content string) {
	t.Helper()
	file := filepath.Join(b.Dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// embed writes a page with an image. When the image has loaded or has failed, the
// page says so in its body.
func (b *browserSite) embed(t *testing.T, path, image, attributes string) {
	t.Helper()
	b.write(t, path, fmt.Sprintf(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A page with a pixel</title>
<link rel="icon" href="data:,">
<script>function say(text) { document.body.textContent = text; }</script>
</head>
<body>
<img alt="" src="%s" %s
	onload="say('loaded ' + this.naturalWidth + 'x' + this.naturalHeight)"
	onerror="say('error')">
</body>
</html>
`, html.EscapeString(image), attributes))
}

// browser is a headless Chromium. It is driven through the DevTools protocol, as
// its log does not repeat what the console says of a blocked image.
type browser struct {
	commands io.Writer
	answers  *os.File
	reader   *bufio.Reader
	lastID   int
	events   []devToolsMessage // since the last call of open
}

// devToolsMessage is a command, its answer or an event.
type devToolsMessage struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// startBrowser starts a browser without a past. It ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	childIn, commands := pipe(t)
	answers, childOut := pipe(t)
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, findBrowser(t),
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
		"--no-first-run", "--no-proxy-server", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-breakpad",
		"--user-data-dir="+profileDir(t), "--remote-debugging-pipe")
	command.ExtraFiles = []*os.File{childIn, childOut} // 3 and 4, as the protocol wants
	var log bytes.Buffer
	command.Stderr = &log
	// A child that outlives the browser would hold its log open.
	command.WaitDelay = pixeltest.Patience
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = childIn.Close(), childOut.Close()
	t.Cleanup(func() {
		_ = commands.Close() // The browser ends when nobody commands it any more.
		timer := time.AfterFunc(pixeltest.Patience, cancel)
		defer timer.Stop()
		if err := command.Wait(); err != nil {
			t.Errorf("the browser ended: %v\n%s", err, &log)
		}
		cancel()
	})
	return &browser{commands: commands, answers: answers, reader: bufio.NewReader(answers)}
}

func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium in the PATH: install it (on Debian: apt-get install chromium), or test without -tags browser")
	return ""
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// profileDir makes a folder for the browser, whose last child may still write to
// it when the browser itself has ended.
func profileDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "segment_pixel_browser") //nolint:usetesting // t.TempDir tries only once to remove it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pixeltest.Eventually(t, "the browser's profile can be removed", func() bool { return os.RemoveAll(dir) == nil })
	})
	return dir
}

// call sends a command and decodes its answer into result, unless that is nil.
func (b *browser) call(t *testing.T, session, method string, params, result any) {
	t.Helper()
	encoded, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	b.lastID++
	command, err := json.Marshal(devToolsMessage{ID: b.lastID, Session: session, Method: method, Params: encoded})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.commands.Write(append(command, 0)); err != nil {
		t.Fatalf("commanding the browser: %v", err)
	}
	answer := b.Await(t, func(m devToolsMessage) bool { return m.ID == b.lastID })
	if answer.Error != nil {
		t.Fatalf("%s: %s", method, answer.Error)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		t.Fatalf("%s: %v in %s", method, err, answer.Result)
	}
}

// Await reads messages up to the one that is wanted.
func (b *browser) Await(t *testing.T, wanted func(devToolsMessage) bool) devToolsMessage {
	t.Helper()
	if err := b.answers.SetReadDeadline(time.Now().Add(pixeltest.Patience)); err != nil {
		t.Fatal(err)
	}
	for {
		text, err := b.reader.ReadBytes(0)
		if err != nil {
			t.Fatalf("listening to the browser: %v", err)
		}
		var m devToolsMessage
		if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if m.Method != "" {
			b.events = append(b.events, m)
		}
		if wanted(m) {
			return m
		}
	}
}

// visit is what a browser makes of a page.
type visit struct {
	Body      string   `json:"body"`
	UserAgent string   `json:"userAgent"`
	Isolated  bool     `json:"isolated"`
	Console   []string `json:"-"`
}

// open opens a page in a context of its own, without cache or cookies, and waits
// until it has loaded with its image.
func (b *browser) open(t *testing.T, url string) visit {
	t.Helper()
	b.events = nil
	var opened struct{ BrowserContextID, TargetID, SessionID string }
	b.call(t, "", "Target.createBrowserContext", struct{}{}, &opened)
	b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": opened.BrowserContextID}, &opened)
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": opened.TargetID, "flatten": true}, &opened)
	for _, domain := range []string{"Page", "Log", "Runtime"} {
		b.call(t, opened.SessionID, domain+".enable", struct{}{}, nil)
	}
	b.call(t, opened.SessionID, "Page.navigate", map[string]any{"url": url}, nil)
	b.Await(t, func(m devToolsMessage) bool {
		return m.Session == opened.SessionID && m.Method == "Page.loadEventFired"
	})

	var evaluated struct{ Result struct{ Value visit } }
	b.call(t, opened.SessionID, "Runtime.evaluate", map[string]any{
		"expression":    "({body: document.body.textContent.trim(), userAgent: navigator.userAgent, isolated: crossOriginIsolated})",
		"returnByValue": true,
	}, &evaluated)
	b.call(t, "", "Target.disposeBrowserContext", map[string]any{"browserContextId": opened.BrowserContextID}, nil)
	seen := evaluated.Result.Value
	for _, m := range b.events {
		switch m.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			seen.Console = append(seen.Console, string(m.Params))
		}
	}
	return seen
}

// TestBrowser looks at what becomes of a pixel in a page: the image, the
// browser's console and the event.
func TestBrowser(t *testing.T) {
	const (
		sample = "/v1/pixel/track?data=" + pixeltest.SegmentSample
		dotted = "/v1/pixel/page?writeKey=YOUR_WRITE_KEY&userId=u1&properties.title=A+page"
	)
	b := newBrowserSite(t)
	browser := startBrowser(t)
	tests := []struct {
		name, origin, path string
		pixel, attributes  string
		referer            string // what the browser tells the pixel of the page
	}{
		{"Segment's sample", b.localhost, "/plain/sample.html", sample, "", b.localhost + "/"},
		{"same origin", b.URL, "/plain/same.html", dotted, "", b.URL + "/plain/same.html"},
		{"CORS, no referrer", b.localhost, "/plain/cors.html", dotted, `crossorigin referrerpolicy="no-referrer"`, ""},
		{"isolated page", b.localhost, "/isolated/sample.html", sample, `referrerpolicy="unsafe-url"`, b.localhost + "/isolated/sample.html"},
		{"isolated page, CORS", b.localhost, "/isolated/cors.html", dotted, "crossorigin", b.localhost + "/"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b.embed(t, test.path, b.URL+test.pixel, test.attributes)
			seen := browser.open(t, test.origin+test.path)
			if seen.Body != "loaded 1x1" || len(seen.Console) != 0 {
				t.Errorf("the page says %q, the console %q", seen.Body, seen.Console)
			}
			if seen.Isolated != strings.HasPrefix(test.path, "/isolated/") {
				t.Errorf("isolated is %t: the test has lost its point", seen.Isolated)
			}
			if !strings.Contains(seen.UserAgent, "Chrome/") {
				t.Errorf("the browser calls itself %q", seen.UserAgent)
			}
			stored := b.nats.Stored()
			if len(stored) != i+1 {
				t.Fatalf("the stream has %d events, want %d", len(stored), i+1)
			}
			checkBrowserEvent(t, stored[i].Subject, pixeltest.Parse(t, stored[i].Data), test.pixel == sample, seen.UserAgent, test.referer)
		})
	}
}

func checkBrowserEvent(t *testing.T, subject string, event map[string]any, isSample bool, userAgent, referer string) {
	t.Helper()
	want := map[string]string{
		"type": "page", "userId": "u1", "event": "", "properties.title": "A page",
	}
	if isSample {
		want = map[string]string{
			"type": "track", "userId": "025pikachu025", "event": "Email Opened",
			"properties.subject": "The Electric Daily", "properties.email": "peekAtMe@email.poke",
		}
	}
	if subject != "segment.events.docs."+want["type"] {
		t.Errorf("the subject is %s", subject)
	}
	want["writeKey"] = ""
	want["context.userAgent"] = userAgent
	want["context.page.url"] = referer
	want["context.ip"] = "127.0.0.0"
	for path, value := range want {
		if got := textAt(event, path); got != value {
			t.Errorf("%s is %q, want %q", path, got, value)
		}
	}
}

// textAt returns the text at a dotted path, or nothing.
func textAt(object map[string]any, path string) string {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		text, _ := object[name].(string)
		return text
	}
	inner, _ := object[name].(map[string]any)
	return textAt(inner, rest)
}

// TestBrowserShowsFailure proves that TestBrowser would see a pixel that the
// browser keeps from the page: the same picture without our header fields.
func TestBrowserShowsFailure(t *testing.T) {
	b := newBrowserSite(t)
	browser := startBrowser(t)
	for _, test := range []struct {
		path, body string
		complains  bool
	}{
		{"/plain/bare.html", "loaded 1x1", false},
		{"/isolated/bare.html", "error", true},
	} {
		t.Run(test.path, func(t *testing.T) {
			b.embed(t, test.path, b.URL+"/bare.gif", "")
			seen := browser.open(t, b.localhost+test.path)
			if seen.Body != test.body || len(seen.Console) != 0 != test.complains {
				t.Errorf("the page says %q, want %q; the console %q", seen.Body, test.body, seen.Console)
			}
		})
	}
}
