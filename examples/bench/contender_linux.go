// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// protocol is what requests are made with.
type protocol string

const (
	plain  protocol = "HTTP/1.1"
	secure protocol = "HTTP/2 over TLS 1.3"
)

var protocols = []protocol{plain, secure}

// contender is a process that answers requests, and what was found out about it.
type contender struct {
	name     string
	process  *rig.Process
	urls     map[protocol]string
	paths    string   // file with the paths of its pixels, if they are not those of all
	admin    string   // URL of Caddy's admin API, or empty
	arrivals arrivals // nil where events go nowhere
	promises bool     // that whatever is answered arrives

	figures map[protocol]*figures
	arrived int  // over all protocols
	sent    int  // at the most, over all protocols
	broken  bool // whether a load has failed, so that it is measured no more

	profiled map[protocol]bool
}

// arrivals waits until so many events have arrived at NATS, and returns how many
// have. It gives up when no more come, with an error where that is told.
type arrivals func(ctx context.Context, number int) (int, error)

// figures are what was measured over one protocol, one value for each turn.
type figures struct {
	cpu       []float64 // microseconds for each request, as fast as it can
	ratios    []float64 // of that to the floor's; the floor has none
	perSecond []float64
	resident  []float64 // MiB

	fixedRatios []float64 // of the CPU for each request to the floor's, at the fixed rate
	p50, p99    []float64 // milliseconds, at the fixed rate

	answered, arrived int // sums of the whole run, with all that was for warming up
}

func newContender(name string, process *rig.Process, urls map[protocol]string) *contender {
	c := &contender{name: name, process: process, urls: urls, figures: make(map[protocol]*figures), profiled: make(map[protocol]bool)}
	for p := range urls {
		c.figures[p] = new(figures)
	}
	return c
}
