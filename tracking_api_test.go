// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestTrackingAPI posts what Segment's SDKs post to sites of every kind: none may seem to
// have taken it that has not.
func TestTrackingAPI(t *testing.T) {
	const counter = "caddy_segment_pixel_tracking_api_requests_total"
	s := pixeltest.NewAdminSite(t)
	for _, test := range []struct {
		name, options, site string
		method, path        string
		want                int
		refused             bool
	}{
		{"a catch-all", "", `respond "hello" 200`, "POST", "/v1/batch", 404, true},
		{"a catch-all, and a slash", "", `respond "hello" 200`, "POST", "/v1/t/", 404, true},
		{"a site that answers nothing", "", "", "POST", "/v1/import", 404, true},
		{"a page", "", "header Content-Type text/html\nrespond <p> 201", "POST", "/v1/i", 404, true},
		{"an API", "", "header Content-Type application/json\nrespond `{\"success\":true}` 200", "POST", "/v1/batch", 200, false},
		{"a site that refuses", "", "respond no 405", "POST", "/v1/batch", 405, false},
		{"a success without a body", "", "respond 204", "POST", "/v1/p", 404, true},
		{"another path", "", "respond hello 200", "POST", "/v1/login", 200, false},
		{"another method", "", "respond hello 200", "GET", "/v1/batch", 200, false},
		{"on purpose", "tracking_api pass", "respond hello 200", "POST", "/v1/batch", 200, false},
		{"another prefix", "path_prefix /px", "respond hello 200", "POST", "/v1/batch", 200, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.Run("", "header X-Site yes\nsegment_pixel {\nwrite_key k web\nsink writer discard\n"+test.options+"\n}\n"+test.site)
			before := s.Metrics()[counter]
			response, body := s.Do(test.method, test.path)
			if response.StatusCode != test.want || response.Header.Get("X-Site") != "yes" {
				t.Errorf("%s with %v", response.Status, response.Header)
			}
			if refused := strings.Contains(body, "not taken"); refused != test.refused || refused != (s.Metrics()[counter] == before+1) {
				t.Errorf("refused: %v, counted %v: %s", refused, s.Metrics()[counter]-before, body)
			}
			if test.refused && response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("header %v", response.Header)
			}
		})
	}
	if lines := s.Logged("Segment's SDKs posts"); len(lines) != 1 {
		t.Errorf("logged %d times", len(lines))
	}
	if response, _ := s.Do(http.MethodPost, "/v1/pixel/track"); response.StatusCode != http.StatusOK {
		t.Error(response.Status)
	}
}
