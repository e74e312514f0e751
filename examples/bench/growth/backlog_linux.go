// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// backlogStream takes the events of a backlog.
const backlogStream = "backlog"

// measureBacklog measures one value after the other, as each needs much of the
// disk. A value that fails is left out.
func measureBacklog(ctx context.Context, g *growth, d dimension) (result, error) {
	d.values = slices.DeleteFunc(slices.Clone(d.values), func(value int) bool { return value > g.options.backlog })
	r := newResult(d)
	for n := range d.values {
		p := &r.series[0].points[n]
		err := g.backlogOf(ctx, p)
		if ctx.Err() != nil {
			return r, errors.Join(ctx.Err(), err)
		}
		if err != nil {
			g.Fault("a backlog of %d events: %v", p.value, err)
		}
	}
	return r, nil
}

// backlogOf measures a value, and removes all that was stored for it.
func (g *growth) backlogOf(ctx context.Context, p *point) (err error) {
	// The loads add events, too.
	room := int64(p.value)*onDisk + 2<<30
	if err := rig.Room(g.Dir, room); err != nil {
		return err
	}
	dir, err := g.place("backlog")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	nats, err := g.prepareStream(ctx, dir)
	if err != nil {
		return err
	}
	rig.Note("putting %s events into a spool", grouped(p.value))
	spool := filepath.Join(dir, "spool")
	if err := fill(ctx, spool, backlogStream+".track", p.value); err != nil {
		return err
	}
	size, err := rig.Size(spool)
	if err != nil {
		return err
	}
	p.backlog = &drained{files: rig.MiB(size)}
	if err := rig.Flush(g.Dir); err != nil {
		return err
	}
	return g.startOn(ctx, dir, spool, nats, p)
}

// startOn starts Caddy on a spool, and measures.
func (g *growth) startOn(ctx context.Context, dir, spool string, nats rig.BrokerConfig, p *point) (err error) {
	dir = filepath.Join(dir, "caddy")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	s := usual
	options := fmt.Sprintf("spool %s {\n\t\t\tsync off\n\t\t\tmax_size %dB\n\t\t}", spool, spoolLimit)
	s.sinks = []string{rig.JetStream("nats://"+nats.Address, backlogStream, options)}
	c, err := g.start(ctx, fmt.Sprintf("a backlog of %d", p.value), dir, s, p)
	defer func() { err = errors.Join(err, c.end()) }()
	if err != nil {
		return err
	}
	return g.loadAndDrain(ctx, c, nats)
}

// prepareStream starts NATS to create the stream, ends it, and returns how to
// start it again.
func (g *growth) prepareStream(ctx context.Context, dir string) (rig.BrokerConfig, error) {
	config := rig.BrokerConfig{Binary: g.Binaries.NATSServer, Dir: filepath.Join(dir, "nats"), CPU: g.Rest}
	broker, err := rig.StartBroker(ctx, config)
	if err != nil {
		return config, err
	}
	config.Address = broker.Address
	return config, errors.Join(broker.CreateStream(ctx, backlogStream, backlogStream+".>"), broker.Terminate())
}

// loadAndDrain measures requests without NATS, and then how the backlog drains
// when NATS is there.
func (g *growth) loadAndDrain(ctx context.Context, c *contender, nats rig.BrokerConfig) error {
	// The pixel that was asked for at the start.
	waiting := c.point.value + 1
	count := func(s spent) { waiting += s.requests }
	s, err := g.spend(ctx, nil, c, g.load(c, warmUp))
	if err != nil {
		return err
	}
	count(s)
	for range g.options.rounds {
		s, err := g.spend(ctx, nil, c, g.load(c, g.options.duration))
		if err != nil {
			return err
		}
		count(s)
		p := c.point
		p.cpu = append(p.cpu, rig.Micros(s.CPU)/float64(s.requests))
		p.perSecond = append(p.perSecond, s.PerSecond)
		p.resident = append(p.resident, rig.MiB(s.Resident))
	}
	c.point.backlog.events = waiting
	return g.drain(ctx, c, nats, waiting)
}

// drain starts NATS and waits until so many events are stored.
func (g *growth) drain(ctx context.Context, c *contender, nats rig.BrokerConfig, waiting int) (err error) {
	if err := c.caddy.ResetPeak(); err != nil {
		return err
	}
	broker, err := rig.StartBroker(ctx, nats)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Terminate()) }()
	first, err := broker.AwaitStored(ctx, backlogStream, 1)
	if err != nil {
		return fmt.Errorf("nothing was delivered: %w; the log of Caddy ends with\n%s", err, c.caddy.Log(5))
	}
	begin := time.Now()
	all, err := broker.AwaitStored(ctx, backlogStream, waiting)
	if err != nil {
		return fmt.Errorf("the spool does not drain: %w; the log of Caddy ends with\n%s", err, c.caddy.Log(5))
	}
	d := c.point.backlog
	// A short backlog may be stored before anybody looks.
	if all > first {
		d.perSecond = float64(all-first) / time.Since(begin).Seconds()
	}
	memory, err := c.caddy.Memory()
	d.peak = rig.MiB(memory.Peak)
	if err != nil {
		return err
	}
	stored, err := standstill(ctx, broker, backlogStream)
	// h2load does not count all that was under way; see rig.Result.
	if more := (1 + g.options.rounds) * 2 * c.connections; err == nil && stored > waiting+more {
		return fmt.Errorf("%d events are stored, and there were %d, and %d that h2load may not count", stored, waiting, more)
	}
	return err
}
