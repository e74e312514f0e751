// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// calm is how long Caddy is left alone after its start before its memory is read.
const calm = 500 * time.Millisecond

// contender is the Caddy of a value, and what was found out about it.
type contender struct {
	setup
	name   string // in messages
	caddy  *rig.Caddy
	paths  string // file with the paths of the pixels
	broken bool   // whether a load has failed, so that it is measured no more
	point  *point
}

// start writes the files of a contender and starts its Caddy. The contender is
// returned with an error, too, so that it can be ended.
func (g *growth) start(ctx context.Context, name, dir string, s setup, p *point) (*contender, error) {
	c := &contender{setup: s, name: name, paths: filepath.Join(dir, "paths"), point: p}
	// Some files are open for other things than connections.
	if need := s.connections + 200; need > g.files {
		return c, fmt.Errorf("%d files have to be open, and %d may be; raise the limit, with ulimit -n for one", need, g.files)
	}
	const different = 1000
	payloads, err := rig.Payloads(different, s.least, s.most)
	if err != nil {
		return c, err
	}
	if err := rig.WritePaths(c.paths, payloads); err != nil {
		return c, err
	}
	c.caddy, err = rig.StartCaddy(ctx, rig.CaddyConfig{
		Name: name, Binary: g.Binaries.Caddy, Dir: dir, CPU: g.Measured,
		Site: s.text(), Hosts: s.hosts, Ready: rig.Path(payloads[0]),
	})
	if err != nil {
		return c, err
	}
	p.start = rig.Millis(c.caddy.Startup)
	select {
	case <-ctx.Done():
		return c, ctx.Err()
	case <-time.After(calm):
	}
	memory, err := c.caddy.Memory()
	p.idle = rig.MiB(memory.Resident)
	return c, err
}

// end ends Caddy.
func (c *contender) end() error {
	if c.caddy == nil {
		return nil
	}
	return c.caddy.Terminate()
}

// load returns the load on a contender.
func (g *growth) load(c *contender, d time.Duration) rig.Load {
	return rig.Load{
		URL: c.caddy.HTTP, Host: c.host, Paths: c.paths, Connections: c.connections, Duration: d, CPU: g.Rest, Times: c.connects,
	}
}

// turn is what a contender has to do in a round. In the first one, which is to
// warm up, nothing counts.
func (g *growth) turn(ctx context.Context, broker *rig.Broker, c *contender, warmUp time.Duration, counts bool) error {
	if _, err := g.spend(ctx, broker, c, g.load(c, warmUp)); err != nil || !counts {
		return err
	}
	duration := g.options.duration
	if c.connects {
		// What thousands of connections cost can be told from what requests do only
		// if there are several requests for each.
		duration = max(duration, time.Duration(c.connections)*time.Millisecond)
	}
	full, err := g.spend(ctx, broker, c, g.load(c, duration))
	if err != nil {
		return err
	}
	if c.connects {
		once := g.load(c, 0)
		once.Requests = c.connections
		first, err := g.spend(ctx, broker, c, once)
		if err != nil {
			return err
		}
		full.withoutConnections(first, c)
	}
	p := c.point
	p.cpu = append(p.cpu, rig.Micros(full.CPU)/float64(full.requests))
	p.perSecond = append(p.perSecond, full.PerSecond)
	p.resident = append(p.resident, rig.MiB(full.Resident))
	if c.connects {
		p.p99 = append(p.p99, rig.Millis(full.P99))
	}
	return nil
}

// spent is what one load has cost.
type spent struct {
	rig.Spent
	requests int // that cost it
}

// withoutConnections takes away what the connections have cost. Both loads have
// opened as many of them, and the other one has sent a request over each, so the
// difference between the two is one of requests only.
func (s *spent) withoutConnections(first spent, c *contender) {
	if s.requests <= first.requests {
		return // Caddy did not get to a second request, and nothing tells the two apart
	}
	request := (s.CPU - first.CPU).Seconds() / float64(s.requests-first.requests)
	// What Caddy does anyway while the load goes on is little only beside many.
	const many = 256
	if c.connections >= many {
		opening := max(0, first.CPU.Seconds()-request*float64(first.requests))
		c.point.connection = append(c.point.connection, 1e6*opening/float64(c.connections))
	}
	s.CPU = time.Duration(request * float64(s.requests) * float64(time.Second))
}

// spend loads a contender and waits until all is stored.
func (g *growth) spend(ctx context.Context, broker *rig.Broker, c *contender, load rig.Load) (s spent, err error) {
	counted, err := countStored(ctx, broker, c.streams)
	if err != nil {
		return s, err
	}
	s.Spent, err = g.Measure(ctx, c.caddy.Process, load, func(result rig.Result) (err error) {
		s.requests, err = settle(ctx, broker, c, counted, result)
		return err
	})
	return s, err
}

// place makes the directory of a contender.
func (g *growth) place(name string) (string, error) {
	dir := filepath.Join(g.Dir, name)
	return dir, os.Mkdir(dir, 0o700)
}
