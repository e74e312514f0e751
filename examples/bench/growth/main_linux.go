// SPDX-License-Identifier: Apache-2.0

// Command growth measures how the cost of a pixel grows with what it depends on:
// the size of payloads, connections, write keys, sinks, sites and what waits in
// the spool. It prints a table for each in Markdown and draws all into one SVG
// file:
//
//	go run ./examples/bench/growth
//
// It needs what the benchmark next to it needs: two CPUs and h2load. All else
// stays as it is while one thing grows, each value has a Caddy of its own, and
// the values take turns, so that what the machine does beside is spread over all
// of them.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

func main() { rig.Main(parseOptions, run) }

// growth is a run of this program.
type growth struct {
	*rig.Stage
	options options
	files   int // that may be open
}

// run measures each dimension, prints its table, and draws all of them.
func run(ctx context.Context, o options) (err error) {
	g := &growth{options: o}
	if g.files, err = rig.RaiseFiles(); err != nil {
		return err
	}
	if g.Stage, err = rig.NewStage(ctx, o.dir, "segment-pixel-growth-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.End()) }()
	fmt.Print(g.method())
	var results []result
	for _, d := range dimensions {
		if !o.only.MatchString(d.name) {
			continue
		}
		r, err := g.measure(ctx, d)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if err != nil {
			g.Fault("%s: %v", d.name, err)
		}
		fmt.Print(r.table())
		results = append(results, r)
	}
	if err := g.draw(results); err != nil {
		return err
	}
	return g.Verdict()
}

// method tells how it was measured.
func (g *growth) method() string {
	o := g.options
	return fmt.Sprintf("Rounds: %d; in each, one load of %v for each value, as fast as it can, over HTTP/1.1 without TLS. "+
		"Unless a table says otherwise: %d connections, payloads of %d to %d bytes of JSON, and jetstream with “sync off”. "+
		"Caddy has a CPU for itself; h2load, nats-server and this program share another one. "+
		"Each figure is the median of the rounds, with the least and the most. CPU is that of Caddy alone, in user and kernel mode, "+
		"until all is stored, for each request; “× first” divides it by that of the first value in the same round.\n",
		o.rounds, o.duration, usual.connections, usual.least, usual.most)
}
