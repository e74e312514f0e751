// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"fmt"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestMetrics scrapes with several handlers and across reloads.
func TestMetrics(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	sites := pixeltest.Silent(t) + `
	segment_pixel {
		write_key k second
		path_prefix /second
		sink writer discard
	}`
	s.Run("", sites)
	before := s.Metrics()
	s.Get(pixeltest.Track("e"), "X-Forwarded-For", "192.0.2.1")
	s.Get("/v1/pixel/page?" + pixeltest.Data(`{"writeKey":"k","userId":7}`))
	s.Get("/v1/pixel/page?" + pixeltest.Data(`{"writeKey":"k"}`))
	s.Get("/v1/pixel/click?" + pixeltest.Data(pixeltest.Page))
	s.Get("/second/page?" + pixeltest.Data(pixeltest.Page))
	s.Run("segment_pixel", sites)
	s.Get(pixeltest.Track("e"))
	after := s.Metrics()
	requests := func(outcome, reason, source, typ string) string {
		return fmt.Sprintf("caddy_segment_pixel_requests_total{outcome=%q,reason=%q,source=%q,type=%q}", outcome, reason, source, typ)
	}
	for name, grown := range map[string]float64{
		requests("accepted", "", pixeltest.Source(t), "track"):           2,
		requests("accepted", "", pixeltest.Source(t), "page"):            1,
		requests("accepted", "", "second", "page"):                       1,
		requests("rejected", "no_identity", pixeltest.Source(t), "page"): 1,
		requests("rejected", "unknown_route", "", ""):                    1,
		`caddy_segment_pixel_repairs_total{repair="number_id"}`:          1,
		"caddy_segment_pixel_untrusted_proxy_requests_total":             1,
		"caddy_segment_pixel_decode_seconds_count":                       6,
		"caddy_segment_pixel_answer_seconds_count":                       6,
		`caddy_segment_pixel_answer_seconds_bucket{le="+Inf"}`:           6,
		requests("rejected", "unknown_write_key", "", "identify"):        0,
	} {
		if got := after[name] - before[name]; got != grown {
			t.Errorf("%s has grown by %v, want %v", name, got, grown)
		}
	}
}
