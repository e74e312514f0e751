// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import "testing"

// TestUntrustedProxy sends what a proxy in front would, with and without
// trusted_proxies.
func TestUntrustedProxy(t *testing.T) {
	const line = "requests come through a proxy"
	s := newAdminSite(t)
	s.run("", silent(t))
	for range 5 {
		s.get(track("direct"))
	}
	for i := range 30 {
		s.get(track("proxied"), "X-Forwarded-For", "192.0.2.1")
		if i == 3 && (len(s.status().Problems) != 0 || len(s.logged(line)) != 0) {
			t.Error("a few are taken for all")
		}
	}
	if logged := s.logged(line); len(logged) != 1 || logged[0]["level"] != "warn" {
		t.Errorf("logged %v", logged)
	}
	if problems := s.status().Problems; len(problems) != 1 {
		t.Errorf("the problems are %v", problems)
	}

	s.run("servers {\ntrusted_proxies static 127.0.0.0/8\n}", silent(t))
	for range 30 {
		s.get(track("trusted"), "X-Forwarded-For", "192.0.2.1")
	}
	if logged, problems := s.logged(line), s.status().Problems; len(logged) != 1 || len(problems) != 0 {
		t.Errorf("logged %v, the problems are %v", logged, problems)
	}
}
