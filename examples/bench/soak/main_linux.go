// SPDX-License-Identifier: Apache-2.0

// Command soak loads a pixel at a constant rate for a long time, then takes NATS
// away for a while, and then has what has gathered in the spool delivered. It
// prints how much memory Caddy holds all the while, in Markdown, and whether that
// stays flat. At the end, whatever was answered has to be stored:
//
//	go run ./examples/bench/soak
//
// It needs what the benchmark next to it needs: two CPUs and h2load.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

func main() { rig.Main(parseOptions, run) }

// run makes the phases, one after the other.
func run(ctx context.Context, o options) (err error) {
	s := &soak{options: o}
	if err := s.stage(ctx); err != nil {
		return errors.Join(err, s.end())
	}
	defer func() { err = errors.Join(err, s.end()) }()
	fmt.Print(s.method())
	for _, phase := range []func(context.Context) error{s.withNATS, s.withoutNATS, s.drain} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return s.verdict(ctx)
}

// method tells how it was measured.
func (s *soak) method() string {
	return fmt.Sprintf("%.0f requests a second over %d connections, which are new every minute, with payloads of 300 to 700 bytes of JSON, "+
		"to jetstream with “sync always”. Caddy has a CPU for itself; h2load, nats-server and this program share another one. "+
		"RSS is what Caddy holds in memory. Its growth is the median of the last fifth of a phase, divided by that of the second fifth.\n",
		s.options.rate, connections)
}
