// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import "time"

// networkRows do something to the connection between Caddy and NATS, neither of
// which knows it.
func networkRows() []row {
	behindProxy := setting{proxied: true}
	return []row{
		{name: "network cut", setting: behindProxy, fault: cutNetwork},
		{name: "network takes bytes and passes none on", setting: behindProxy, fault: freezeNetwork},
		{name: "network slow", setting: behindProxy, fault: slowNetwork},
	}
}

func cutNetwork(s *scene) error {
	return times(2,
		s.proxy.cut,
		func() error { return s.lasts(500*time.Millisecond, 20*time.Second) },
		s.proxy.restore,
		func() error { return s.answersFor(choose(200*time.Millisecond, 5*time.Second)) })
}

// freezeNetwork lasts, in the long run, longer than NATS' pings.
func freezeNetwork(s *scene) error {
	s.proxy.freeze()
	defer s.proxy.thaw()
	return s.lasts(3*time.Second, time.Minute)
}

func slowNetwork(s *scene) error {
	s.proxy.slow(100 * time.Millisecond)
	defer s.proxy.slow(0)
	return s.lasts(2*time.Second, time.Minute)
}
