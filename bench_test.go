// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

const benchObject = `{"writeKey":"benchmark","userId":"reader-00004711","event":"Email Opened",` +
	`"properties":{"campaign_id":"autumn-2026-03","subject":"Seven walks for short days","email_id":"e-48151623",` +
	`"link_count":12,"template":"newsletter/two-columns","list":"subscribers-eu","variant":"B"},` +
	`"context":{"locale":"en-GB","timezone":"Europe/Berlin"},"originalTimestamp":"2026-11-23T06:00:41.272Z"}`

// BenchmarkHandler is what Caddy does for a request between net/http and the
// network, with the handler and a sink that discards, and with plain respond and
// the same header fields.
func BenchmarkHandler(b *testing.B) {
	for _, test := range []struct{ name, handlers string }{
		{"respond", `{"handler":"headers","response":{"set":{
			"Content-Type":["image/gif"],
			"Cache-Control":["no-cache, no-store, must-revalidate, max-age=0, private"],
			"Cross-Origin-Resource-Policy":["cross-origin"],
			"Access-Control-Allow-Origin":["*"]}}},
			{"handler":"static_response","body":"` + strings.Repeat("x", len(pixel.GIF)) + `"}`},
		{"segment_pixel", `{"handler":"segment_pixel","write_keys":[{"key":"benchmark"}],
			"sinks":[{"sink":"writer","writer":{"output":"discard"}}]}`},
	} {
		b.Run(test.name, func(b *testing.B) {
			server := benchServer(b, test.handlers)
			r := benchRequest(b)
			w := &benchWriter{header: make(http.Header, 8)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				server.ServeHTTP(w, r)
			}
			if w.Status != http.StatusOK || w.size != len(pixel.GIF) {
				b.Fatalf("answered %d with %d bytes", w.Status, w.size)
			}
		})
	}
}

func benchServer(b *testing.B, handlers string) *caddyhttp.Server {
	b.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{AppsRaw: caddy.ModuleMap{
		"http": json.RawMessage(`{"servers":{"bench":{"listen":["127.0.0.1:0"],"automatic_https":{"disable":true},
			"routes":[{"match":[{"path":["/v1/pixel/*"]}],"handle":[` + handlers + `]}]}}}`),
	}})
	if err != nil {
		b.Fatal(err)
	}
	app, err := ctx.App("http")
	if err != nil {
		b.Fatal(err)
	}
	return app.(*caddyhttp.App).Servers["bench"]
}

func benchRequest(b *testing.B) *http.Request {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://example.com/v1/pixel/track?data="+
		base64.RawURLEncoding.EncodeToString([]byte(benchObject)), http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
	r.Header.Set("Referer", "https://mail.example.com/")
	return r
}

// benchWriter keeps nothing of an answer but its status and size.
type benchWriter struct {
	header       http.Header
	Status, size int
}

func (w *benchWriter) Header() http.Header { return w.header }

func (w *benchWriter) WriteHeader(status int) { w.Status, w.size = status, 0 }

func (w *benchWriter) Write(p []byte) (int, error) {
	w.size += len(p)
	return len(p), nil
}

func (w *benchWriter) WriteString(s string) (int, error) {
	w.size += len(s)
	return len(s), nil
}
