// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import "time"

// controlRows show that losses would be found: they have to lose events.
func controlRows() []row {
	return []row{{
		name: "control: no spool, NATS away for longer than ack_timeout",
		// On a busy machine an ack takes long when NATS is back, and an event whose ack is
		// late is counted as dropped although it is stored.
		setting: setting{noSpool: true, ackTimeout: choose(2*time.Second, 300*time.Millisecond).String()},
		loses:   true,
		fault:   loseWithoutSpool,
	}}
}

// loseWithoutSpool stops and starts NATS while no pixel is under way: of one that
// is, nobody can say whether NATS has stored it, and the log has to count it.
func loseWithoutSpool(s *scene) error {
	return inOrder(
		func() error { return s.quietly(s.stopNATS) },
		// Each connection has to wait for ack_timeout, so these take much longer to come.
		func() error { return s.answersFor(choose(500*time.Millisecond, 2*time.Second)) },
		func() error {
			return s.quietly(func() error {
				connected := s.connections()
				return inOrder(s.startNATS, func() error {
					return await("Caddy is connected again", func() (bool, error) {
						return s.connections() >= connected+len(s.lanes), nil
					})
				})
			})
		})
}

// connections is how many times Caddies have told that they are connected again.
func (s *scene) connections() int {
	n := 0
	for _, l := range s.lanes {
		n += l.caddy.log.count(`"reconnected to NATS"`)
	}
	return n
}
