// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"math/rand/v2"
	"time"
)

// randomRows are the rest of the long run.
func randomRows() []row {
	return []row{{name: "random kills", long: true, fault: randomKills}}
}

// randomKills kills Caddies and NATS at random moments. The pauses are the test: a
// kill that awaited some event would always come at the same point.
func randomKills(s *scene) error {
	for end := time.Now().Add(*randomFlag); time.Now().Before(end); {
		kill, start := s.killNATS, s.startNATS
		if i := rand.IntN(len(s.lanes) + 1); i < len(s.lanes) {
			kill, start = s.lanes[i].caddy.kill, s.lanes[i].caddy.start
		}
		if err := inOrder(kill,
			func() error { return lastUpTo(3 * time.Second) },
			start,
			func() error { return lastUpTo(5 * time.Second) }); err != nil {
			return err
		}
	}
	return nil
}

// lastUpTo sleeps because a random moment is what is tested, and no event tells it.
func lastUpTo(most time.Duration) error {
	time.Sleep(rand.N(most))
	return nil
}
