// SPDX-License-Identifier: Apache-2.0

// Command bench measures what a request costs with segment_pixel, beside Caddy's
// respond and nginx, and prints tables in Markdown:
//
//	go run ./examples/bench
//
// It needs two CPUs and h2load (nghttp2-client in Debian). Whatever serves
// requests has the first CPU for itself; the load, nats-server and the benchmark
// share the second one. Every contender is a process that stays for the whole
// run, and one is loaded at a time, in another order in each round.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

func main() { rig.Main(parseOptions, run) }

// run stages everything, measures, ends everything and prints the tables.
func run(ctx context.Context, o options) (err error) {
	b, err := stage(ctx, o)
	// What was started has to end whatever went wrong, and tells what else did.
	defer func() { err = errors.Join(err, b.end()) }()
	if err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	text, err := b.report(ctx)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return b.Verdict()
}
