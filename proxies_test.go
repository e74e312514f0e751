// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestUntrustedProxy sends what a proxy in front would, with and without
// trusted_proxies.
func TestUntrustedProxy(t *testing.T) {
	const line = "requests come through a proxy"
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	for range 5 {
		s.Get(pixeltest.Track("direct"))
	}
	for i := range 30 {
		s.Get(pixeltest.Track("proxied"), "X-Forwarded-For", "192.0.2.1")
		if i == 3 && (len(s.Status().Problems) != 0 || len(s.Logged(line)) != 0) {
			t.Error("a few are taken for all")
		}
	}
	if logged := s.Logged(line); len(logged) != 1 || logged[0]["level"] != "warn" {
		t.Errorf("logged %v", logged)
	}
	if problems := s.Status().Problems; len(problems) != 1 {
		t.Errorf("the problems are %v", problems)
	}

	s.Run("servers {\ntrusted_proxies static 127.0.0.0/8\n}", pixeltest.Silent(t))
	for range 30 {
		s.Get(pixeltest.Track("trusted"), "X-Forwarded-For", "192.0.2.1")
	}
	if logged, problems := s.Logged(line), s.Status().Problems; len(logged) != 1 || len(problems) != 0 {
		t.Errorf("logged %v, the problems are %v", logged, problems)
	}
}
