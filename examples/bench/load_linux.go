// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// outcome is what one load found out.
type outcome struct {
	rig.Result
	cpu      time.Duration // for each request that was answered
	resident int64         // bytes, at the end of the load
}

// load loads a contender, at a rate or as fast as it can, and waits until all has
// arrived: what it does for a request after its answer counts as well.
func (b *bench) load(ctx context.Context, c *contender, p protocol, d time.Duration, rate float64) (outcome, error) {
	// What others have left for the disk is not the burden of this one.
	if err := rig.Flush(b.dir); err != nil {
		return outcome{}, err
	}
	before, err := c.process.CPUTime()
	if err != nil {
		return outcome{}, err
	}
	result, err := rig.Load{
		URL: c.urls[p], Paths: cmp.Or(c.paths, b.paths), Connections: b.options.connections, Duration: d, Rate: rate, CPU: b.restCPU,
	}.Run(ctx)
	if err != nil {
		return outcome{}, err
	}
	memory, err := c.process.Memory()
	if err != nil {
		return outcome{}, err
	}
	if err := b.settle(ctx, c, p, result, rate > 0); err != nil {
		return outcome{}, err
	}
	after, err := c.process.CPUTime()
	return outcome{Result: result, cpu: (after - before) / time.Duration(result.Answered), resident: memory.Resident}, err
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
		arrived, err = c.stragglers(ctx)
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
		b.fault("%s: %d events of %d that were answered did not arrive: %v", c.name, result.Answered-came, result.Answered, err)
	case came < result.Answered:
		note("%s: %d events of %d that were answered did not arrive, which it does not promise", c.name, result.Answered-came, result.Answered)
	case c.arrived > c.sent:
		b.fault("%s: %d events arrived, and only %d requests can have been sent", c.name, c.arrived, c.sent)
	case err != nil:
		return err
	}
	return nil
}

// stragglers waits until the number of events stands still, and returns it.
func (c *contender) stragglers(ctx context.Context) (int, error) {
	const still = 100 * time.Millisecond
	for {
		now, err := c.arrivals(ctx, 0)
		if err != nil {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, ctx.Err()
		case <-time.After(still):
		}
		if later, err := c.arrivals(ctx, 0); err != nil || later == now {
			return later, err
		}
	}
}
