// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"fmt"
	"testing"
)

// TestMetrics scrapes with several handlers and across reloads.
func TestMetrics(t *testing.T) {
	s := newAdminSite(t)
	sites := silent(t) + `
	segment_pixel {
		write_key k second
		path_prefix /second
		sink writer discard
	}`
	s.run("", sites)
	before := s.metrics()
	s.get(track("e"), "X-Forwarded-For", "192.0.2.1")
	s.get("/v1/pixel/page?" + data(`{"writeKey":"k","userId":7}`))
	s.get("/v1/pixel/page?" + data(`{"writeKey":"k"}`))
	s.get("/v1/pixel/click?" + data(page))
	s.get("/second/page?" + data(page))
	s.run("segment_pixel", sites)
	s.get(track("e"))
	after := s.metrics()
	requests := func(outcome, reason, source, typ string) string {
		return fmt.Sprintf("caddy_segment_pixel_requests_total{outcome=%q,reason=%q,source=%q,type=%q}", outcome, reason, source, typ)
	}
	for name, grown := range map[string]float64{
		requests("accepted", "", source(t), "track"):              2,
		requests("accepted", "", source(t), "page"):               1,
		requests("accepted", "", "second", "page"):                1,
		requests("rejected", "no_identity", source(t), "page"):    1,
		requests("rejected", "unknown_route", "", ""):             1,
		`caddy_segment_pixel_repairs_total{repair="number_id"}`:   1,
		"caddy_segment_pixel_untrusted_proxy_requests_total":      1,
		"caddy_segment_pixel_decode_seconds_count":                6,
		"caddy_segment_pixel_answer_seconds_count":                6,
		`caddy_segment_pixel_answer_seconds_bucket{le="+Inf"}`:    6,
		requests("rejected", "unknown_write_key", "", "identify"): 0,
	} {
		if got := after[name] - before[name]; got != grown {
			t.Errorf("%s has grown by %v, want %v", name, got, grown)
		}
	}
}
