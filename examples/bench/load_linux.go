// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// load loads a contender, at a rate or as fast as it can.
func (b *bench) load(ctx context.Context, c *contender, p protocol, d time.Duration, rate float64) (rig.Spent, error) {
	load := rig.Load{
		URL: c.urls[p], Paths: cmp.Or(c.paths, b.paths), Connections: b.options.connections, Duration: d, Rate: rate, CPU: b.Rest,
	}
	return b.Measure(ctx, c.process, load, func(result rig.Result) error { return b.settle(ctx, c, p, result, rate > 0) })
}

// settle waits until all that was answered has arrived, compares the two, and adds
// both to the sums. What was under way at the end of the load may have arrived
// in addition, which the next load must not take for its own.
func (b *bench) settle(ctx context.Context, c *contender, p protocol, result rig.Result, fixed bool) error {
	c.figures[p].answered += result.Answered
	if c.arrivals == nil {
		return nil
	}
	already := c.arrived
	arrived, err := c.arrivals(ctx, already+result.Answered)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && result.Unfinished > 0 {
		arrived, err = rig.Standstill(ctx, func(ctx context.Context) (int, error) { return c.arrivals(ctx, 0) })
	}
	c.arrived = arrived
	came := arrived - already
	c.sent += result.Answered + result.Unfinished
	if !fixed {
		c.sent += b.options.connections // which h2load does not count, see rig.Result
	}
	c.figures[p].arrived += came
	switch {
	case came < result.Answered && c.promises:
		b.Fault("%s: %d events of %d that were answered did not arrive: %v", c.name, result.Answered-came, result.Answered, err)
	case came < result.Answered:
		rig.Note("%s: %d events of %d that were answered did not arrive, which it does not promise", c.name, result.Answered-came, result.Answered)
	case c.arrived > c.sent:
		b.Fault("%s: %d events arrived, and only %d requests can have been sent", c.name, c.arrived, c.sent)
	case err != nil:
		return err
	}
	return nil
}
