// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestExplainOverAdmin has two handlers look at URLs.
func TestExplainOverAdmin(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t)+`segment_pixel {
		write_key other second
		path_prefix /second /v1/pixel
		sink writer discard
	}`)
	for _, test := range []struct {
		body, outcome, reason, source string
		handler                       int
	}{
		{"https://example.com/v1/pixel/page?" + pixeltest.Data(pixeltest.Page), "accepted", "", pixeltest.Source(t), 0},
		{`{"url": "/v1/pixel/page?writeKey=other&userId=u"}`, "accepted", "", "second", 1},
		{"/second/page?writeKey=k&userId=u", "rejected", "unknown_write_key", "", 1},
		{"/v1/pixel/click?" + pixeltest.Data(pixeltest.Page), "rejected", "unknown_route", "", 0},
		{"/elsewhere?" + pixeltest.Data(pixeltest.Page), "rejected", "unknown_route", "", -1},
		{"writeKey=k&userId=u", "rejected", "no_event", pixeltest.Source(t), 0},
	} {
		code, text := s.Ask(http.MethodPost, "/segment_pixel/explain", test.body)
		var got struct {
			Outcome, Reason, Hint, Source string
			Handler                       int
			Steps                         []struct{ Step string }
		}
		if err := json.Unmarshal(text, &got); err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d, %v in %s", test.body, code, err, text)
		}
		if got.Outcome != test.outcome || got.Reason != test.reason || got.Source != test.source || got.Handler != test.handler ||
			len(got.Steps) == 0 || (got.Hint == "") != (test.reason == "") {
			t.Errorf("%s: %s", test.body, text)
		}
		if strings.Contains(string(text), `"other"`) {
			t.Errorf("the answer holds a write key: %s", text)
		}
	}
	for _, body := range []string{"", " ", strings.Repeat("a", 1<<20+1), "HEAD /v1/pixel/page HTTP/1.1"} {
		if code, text := s.Ask(http.MethodPost, "/segment_pixel/explain", body); code != http.StatusBadRequest {
			t.Errorf("%.20s: %d %s", body, code, text)
		}
	}
	if got := s.Recent("source=" + pixeltest.Source(t)); len(got) != 0 {
		t.Errorf("explaining makes records: %+v", got)
	}
}
