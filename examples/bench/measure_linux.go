// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// warmUpRound is how long a load goes on in the first round, of which the figures
// do not count.
const warmUpRound = time.Second

// measure makes the rounds. The order is another one in each, as a contender may
// leave something behind for the next one.
func (b *bench) measure(ctx context.Context) error {
	for round := range 1 + b.options.rounds {
		for _, p := range protocols {
			if err := b.turns(ctx, p, round); err != nil {
				return err
			}
			if round == 0 {
				b.chooseRate(p)
			}
		}
		if round > 0 {
			note("round %d of %d is done", round, b.options.rounds)
		}
	}
	return nil
}

// turns has each contender take its turn. Without the floor nothing can be
// compared; another contender that fails is left out from then on.
func (b *bench) turns(ctx context.Context, p protocol, round int) error {
	order := rand.Perm(len(b.contenders)) //nolint:gosec // the order is no secret
	for _, n := range order {
		c := b.contenders[n]
		if c.urls[p] == "" || c.broken {
			continue
		}
		err := b.turn(ctx, c, p, round)
		if err == nil {
			continue
		}
		if ctx.Err() != nil || c.name == floor {
			return fmt.Errorf("%s over %s: %w", c.name, p, err)
		}
		c.broken = true
		b.fault("%s over %s: %v; it is measured no more", c.name, p, err)
	}
	return nil
}

// turn is what a contender has to do in a round.
func (b *bench) turn(ctx context.Context, c *contender, p protocol, round int) error {
	if _, err := b.load(ctx, c, p, b.options.warmUp, 0); err != nil {
		return err
	}
	if round == 0 {
		run, err := b.load(ctx, c, p, warmUpRound, 0)
		c.warm = run.PerSecond
		return err
	}
	profiled := func() error { return nil }
	if round == 1 && b.options.profile != "" && c.admin != "" {
		profiled = b.startProfile(ctx, c, p)
	}
	full, err := b.load(ctx, c, p, b.options.duration, 0)
	if err := errors.Join(err, profiled()); err != nil {
		return err
	}
	fixed, err := b.load(ctx, c, p, b.options.duration, b.rates[p])
	if err != nil {
		return err
	}
	f := c.figures[p]
	f.cpu = append(f.cpu, micros(full.cpu))
	f.perSecond = append(f.perSecond, full.PerSecond)
	f.resident = append(f.resident, float64(full.resident)/(1<<20))
	f.fixedCPU = append(f.fixedCPU, micros(fixed.cpu))
	f.p50 = append(f.p50, micros(fixed.P50)/1000)
	f.p99 = append(f.p99, micros(fixed.P99)/1000)
	return nil
}

// chooseRate sets the fixed rate over a protocol, to which everybody has to keep
// up: half of what jetstream with "sync always" managed in the first round, or the
// slowest contender if that one takes no part.
func (b *bench) chooseRate(p protocol) {
	least := 0.0
	for _, c := range b.contenders {
		if c.urls[p] == "" || c.broken {
			continue
		}
		if c.name == slowest {
			least = c.warm
			break
		}
		if least == 0 || c.warm < least {
			least = c.warm
		}
	}
	b.rates[p] = least / 2
	if b.options.rate > 0 {
		b.rates[p] = b.options.rate
	}
	note("the fixed rate over %s is %.0f requests a second", p, b.rates[p])
}

// fault tells what makes the run a failure although it goes on.
func (b *bench) fault(format string, args ...any) {
	note(format, args...)
	b.faults++
}

func micros(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000
}
