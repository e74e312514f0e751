// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestDefaultSize takes whatever Caddy lets through, and says at load what else to set
// where more is asked for.
func TestDefaultSize(t *testing.T) {
	const warning = "max_event_size is larger than what Caddy takes"
	body := func(options string) string {
		return "segment_pixel {\nwrite_key k web\nsink writer file DIR/events\n" + options + "\n}"
	}
	for _, test := range []struct {
		name, global, options string
		want                  int
		warned                bool
	}{
		{"default", "", "", 20 << 10, false},
		{"larger header", "servers {\nmax_header_size 64KiB\n}", "", 32 << 10, false},
		{"small header", "servers {\nmax_header_size 4KiB\n}", "", 8 << 10, false},
		{"explicit", "", "max_event_size 10KiB", 10 << 10, false},
		{"explicit and larger", "", "max_event_size 32KiB", 32 << 10, true},
		{"explicit, with a larger header", "servers {\nmax_header_size 64KiB\n}", "max_event_size 40KiB", 40 << 10, false},
		{"explicit, with one that is too small", "servers {\nmax_header_size 64KiB\n}", "max_event_size 64KiB", 64 << 10, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := pixeltest.NewAdminSite(t)
			s.Run(test.global, body(test.options))
			if size := s.Status().Handlers[0].MaxEventSize; size != test.want {
				t.Errorf("%d bytes, want %d", size, test.want)
			}
			if warned := len(s.Logged(warning)) > 0; warned != test.warned {
				t.Errorf("warned %v, want %v", warned, test.warned)
			}
			if test.name != "default" {
				return
			}
			// The longest query that passes is taken, however it is written.
			longest := func(query func(string) string) {
				for n := 24 << 10; ; n -= 64 {
					q := query(`{"writeKey":"k","userId":"u","event":"e","properties":{"x":"` + strings.Repeat("x", n) + `"}}`)
					response, _ := s.Do(http.MethodGet, "/v1/pixel/track?data="+q)
					if response.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
						continue
					}
					if reasons := s.Rejected(); response.StatusCode != http.StatusOK || len(reasons) > 0 {
						t.Errorf("%d bytes: %s, rejected %v", len(q), response.Status, reasons)
					}
					return
				}
			}
			longest(func(object string) string { return base64.RawURLEncoding.EncodeToString([]byte(object)) })
			longest(func(object string) string { return object })
			if n := len(s.Lines("events")); n != 2 {
				t.Errorf("%d events", n)
			}
		})
	}
}
