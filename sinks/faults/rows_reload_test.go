// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"errors"
	"fmt"
	"time"
)

// reloadRows change the configuration of a Caddy that runs.
func reloadRows() []row {
	return []row{{name: "reloads, and some that fail", fault: reloads}}
}

func reloads(s *scene) error {
	return s.each(func(l *lane) error {
		for version := 1; version <= choose(5, 50); version++ {
			next := l.caddy.config
			next.greeting = fmt.Sprintf("version %d", version)
			next.site = fmt.Sprintf("header X-Version %d", version)
			next.ackTimeout = fmt.Sprintf("%ds", 5+version%2)
			if err := inOrder(
				func() error { return l.refuses(next) },
				func() error { return l.caddy.load(next) },
				func() error {
					return await("the new configuration answers", func() (bool, error) {
						return l.caddy.says() == next.greeting, nil
					})
				},
				func() error { return l.answers(int(choose(0.1, 2.0) * float64(rate()))) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// refuses loads configurations that fail: one when it is provisioned, and one
// when it is started, because somebody else has the port.
func (l *lane) refuses(config caddyfile) error {
	unprovisioned, unstarted := config, config
	unprovisioned.site = "segment_pixel {\nwrite_key {env.NOBODY_SETS_THIS} other\n}"
	unstarted.others = fmt.Sprintf("http://%s {\n}", l.broker.servers[0].address)
	for _, broken := range []caddyfile{unprovisioned, unstarted} {
		if l.caddy.load(broken) == nil {
			return errors.New("a broken configuration was loaded")
		}
	}
	return l.answers(int(choose(50*time.Millisecond, time.Second).Seconds() * float64(rate())))
}
