// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// warmUpRound is how long each contender is loaded before the first round.
const warmUpRound = time.Second

// measure makes the rounds: first those in which everybody is loaded as fast as it
// can, which also tell what rate everybody keeps up with, then those at that rate.
func (b *bench) measure(ctx context.Context) error {
	for _, p := range protocols {
		if err := b.turns(ctx, p, b.warm); err != nil {
			return err
		}
	}
	if err := b.rounds(ctx, "as fast as it can", b.full); err != nil {
		return err
	}
	for _, p := range protocols {
		b.chooseRate(p)
	}
	return b.rounds(ctx, "at the fixed rate", b.fixed)
}

func (b *bench) rounds(ctx context.Context, what string, measured turn) error {
	for round := range b.options.rounds {
		for _, p := range protocols {
			if err := b.turns(ctx, p, measured); err != nil {
				return err
			}
		}
		rig.Note("round %d of %d %s is done", round+1, b.options.rounds, what)
	}
	return nil
}

// turn loads a contender and returns its CPU time for each request. It notes the
// other figures.
type turn func(ctx context.Context, c *contender, p protocol) (cpu float64, ratios *[]float64, err error)

// turns has each contender take its turn, in another order each time, as one may
// leave something behind for the next one. The floor takes one before and after each
// other contender, whose ratio is to the mean of these two: a machine may be half as
// fast for some seconds. Without the floor nothing can be compared; another contender
// that fails is left out from then on.
func (b *bench) turns(ctx context.Context, p protocol, measured turn) error {
	before, _, err := measured(ctx, b.contenders[0], p)
	if err != nil {
		return fmt.Errorf("%s over %s: %w", rig.FloorName, p, err)
	}
	for _, n := range rand.Perm(len(b.contenders) - 1) { //nolint:gosec // the order is no secret
		c := b.contenders[n+1]
		if c.urls[p] == "" || c.broken {
			continue
		}
		cpu, ratios, err := measured(ctx, c, p)
		if err != nil && ctx.Err() == nil {
			c.broken = true
			b.Fault("%s over %s: %v; it is measured no more", c.name, p, err)
			continue
		}
		after, _, floorErr := measured(ctx, b.contenders[0], p)
		if err := errors.Join(err, floorErr); err != nil {
			return fmt.Errorf("%s and %s over %s: %w", c.name, rig.FloorName, p, err)
		}
		*ratios = append(*ratios, 2*cpu/(before+after))
		before = after
	}
	return nil
}

// warm is the turn of which the figures do not count.
func (b *bench) warm(ctx context.Context, c *contender, p protocol) (float64, *[]float64, error) {
	_, err := b.load(ctx, c, p, warmUpRound, 0)
	return 1, new([]float64), err
}

// full is the turn in which a contender is loaded as fast as it can.
func (b *bench) full(ctx context.Context, c *contender, p protocol) (float64, *[]float64, error) {
	if _, err := b.load(ctx, c, p, b.options.warmUp, 0); err != nil {
		return 0, nil, err
	}
	profiled := func() error { return nil }
	if b.options.profile != "" && c.admin != "" && !c.profiled[p] {
		c.profiled[p] = true
		profiled = b.startProfile(ctx, c, p)
	}
	run, err := b.load(ctx, c, p, b.options.duration, 0)
	if err := errors.Join(err, profiled()); err != nil {
		return 0, nil, err
	}
	f, cpu := c.figures[p], rig.Micros(run.CPU)/float64(run.Answered)
	f.cpu = append(f.cpu, cpu)
	f.perSecond = append(f.perSecond, run.PerSecond)
	f.resident = append(f.resident, rig.MiB(run.Resident))
	return cpu, &f.ratios, nil
}

// fixed is the turn in which everybody is loaded at the same rate.
func (b *bench) fixed(ctx context.Context, c *contender, p protocol) (float64, *[]float64, error) {
	run, err := b.load(ctx, c, p, b.options.duration, b.rates[p])
	if err != nil {
		return 0, nil, err
	}
	f, cpu := c.figures[p], rig.Micros(run.CPU)/float64(run.Answered)
	f.p50 = append(f.p50, rig.Millis(run.P50))
	f.p99 = append(f.p99, rig.Millis(run.P99))
	return cpu, &f.fixedRatios, nil
}

// chooseRate sets the fixed rate over a protocol, to which everybody has to keep
// up: half of what jetstream with "sync always" manages, or the slowest contender if
// that one takes no part.
func (b *bench) chooseRate(p protocol) {
	least := 0.0
	for _, c := range b.contenders {
		if c.urls[p] == "" || c.broken {
			continue
		}
		perSecond := rig.SpreadOf(c.figures[p].perSecond).Median
		if c.name == slowest {
			least = perSecond
			break
		}
		if least == 0 || perSecond < least {
			least = perSecond
		}
	}
	b.rates[p] = least / 2
	if b.options.rate > 0 {
		b.rates[p] = b.options.rate
	}
	rig.Note("the fixed rate over %s is %.0f requests a second", p, b.rates[p])
}
