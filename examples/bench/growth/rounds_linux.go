// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

const (
	// warmUpRound is how long a load goes on in the first round, of which nothing
	// counts.
	warmUpRound = time.Second

	// warmUp is how long the load goes on before each that is measured.
	warmUp = 300 * time.Millisecond
)

// newResult is one without figures.
func newResult(d dimension) result {
	r := result{dimension: d}
	for _, v := range d.variants {
		points := make([]point, len(d.values))
		for n, value := range d.values {
			points[n].value = value
		}
		r.series = append(r.series, series{name: v.name, points: points})
	}
	return r
}

// measure measures a dimension.
func (g *growth) measure(ctx context.Context, d dimension) (result, error) {
	rig.Note("%s", d.name)
	if d.measure != nil {
		return d.measure(ctx, g, d)
	}
	return g.measureInTurns(ctx, d)
}

// measureInTurns has the Caddies of all values take turns. All that is stored is
// removed at the end.
func (g *growth) measureInTurns(ctx context.Context, d dimension) (r result, err error) {
	r = newResult(d)
	dir, err := g.place("turns")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	broker, err := rig.StartBroker(ctx, rig.BrokerConfig{Binary: g.Binaries.NATSServer, Dir: filepath.Join(dir, "nats"), CPU: g.Rest})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, broker.Terminate()) }()
	values, err := g.startAll(ctx, broker, dir, &r)
	defer func() {
		for _, c := range slices.Concat(values...) {
			err = errors.Join(err, c.end())
		}
	}()
	if err != nil {
		return r, err
	}
	return r, g.rounds(ctx, broker, values)
}

// startAll starts a Caddy for each value of each variant, and returns them by
// value. One that does not start is left out.
func (g *growth) startAll(ctx context.Context, broker *rig.Broker, dir string, r *result) ([][]*contender, error) {
	contenders := make([][]*contender, len(r.values))
	for n := range r.values {
		for v, variant := range r.variants {
			p := &r.series[v].points[n]
			c, err := g.startOne(ctx, broker, filepath.Join(dir, fmt.Sprintf("caddy-%d-%d", v, n)), variant, p)
			if ctx.Err() != nil {
				return contenders, errors.Join(ctx.Err(), c.end())
			}
			if err != nil {
				g.Fault("%s is left out: %v", c.name, errors.Join(err, c.end()))
				continue
			}
			contenders[n] = append(contenders[n], c)
		}
	}
	return contenders, nil
}

// startOne starts the Caddy of a value, with the streams that it needs.
func (g *growth) startOne(ctx context.Context, broker *rig.Broker, dir string, v variant, p *point) (*contender, error) {
	name := fmt.Sprintf("%s at %d", v.name, p.value)
	c := &contender{name: name}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return c, err
	}
	s := usual
	if err := v.change(&s, place{value: p.value, dir: dir, server: broker.URL, name: filepath.Base(dir)}); err != nil {
		return c, err
	}
	for _, stream := range s.streams {
		if err := broker.CreateStream(ctx, stream, stream+".>"); err != nil {
			return c, err
		}
	}
	return g.start(ctx, name, dir, s, p)
}

// rounds makes the rounds. The order is another one in each, as a Caddy may leave
// something behind for the next one. Variants of a value, which are compared, are
// next to each other.
func (g *growth) rounds(ctx context.Context, broker *rig.Broker, values [][]*contender) error {
	for round := range 1 + g.options.rounds {
		//nolint:gosec // the order is no secret
		for _, n := range rand.Perm(len(values)) {
			rand.Shuffle(len(values[n]), func(i, j int) { values[n][i], values[n][j] = values[n][j], values[n][i] })
			for _, c := range values[n] {
				if err := g.tryTurn(ctx, broker, c, round); err != nil {
					return err
				}
			}
		}
		if round > 0 {
			rig.Note("round %d of %d is done", round, g.options.rounds)
		}
	}
	return nil
}

// tryTurn has a contender take its turn. One that fails twice is measured no more:
// a short load may get no answer when the machine does something else. The error
// is that of the context.
func (g *growth) tryTurn(ctx context.Context, broker *rig.Broker, c *contender, round int) error {
	if c.broken {
		return nil
	}
	warm := warmUp
	if round == 0 {
		warm = warmUpRound
	}
	err := g.turn(ctx, broker, c, warm, round > 0)
	if err != nil && ctx.Err() == nil {
		rig.Note("%s: %v; it is tried once more", c.name, err)
		err = g.turn(ctx, broker, c, warm, round > 0)
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	if err != nil {
		c.broken = true
		g.Fault("%s: %v; it is measured no more", c.name, err)
	}
	return nil
}
