// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// dimension is something that grows while all else stays as it is.
type dimension struct {
	name     string // of the table and the plot, and for -only
	axis     string // what its values are
	unit     int    // by which values are divided to be shown; 0 is 1
	values   []int
	variants []variant
	columns  []column // of its table
	remark   string   // below the heading of the table
	// measure is for one that is measured in a way of its own.
	measure func(context.Context, *growth, dimension) (result, error)
}

// variant is a configuration that is measured at every value.
type variant struct {
	name string
	// change makes the usual configuration into that of a value.
	change func(s *setup, p place) error
}

// place is where the Caddy of a value is going to be.
type place struct {
	value  int
	dir    string // for files that it needs; is there
	server string // URL of nats-server
	name   string // of the first stream, if it needs one
}

// setup is the configuration of one Caddy and of its load.
type setup struct {
	sinks       []string // options of segment_pixel
	streams     []string // that get every event
	keys        string   // options with write keys
	site        string   // instead of segment_pixel
	hosts       []string // names of the sites, as in rig.CaddyConfig
	host        string   // that is asked for
	connections int
	least, most int // bytes of the payloads
	// connects tells that connections are so many that opening them is not to count
	// for requests.
	connects bool
}

// usual is what a dimension does not change.
var usual = setup{connections: 64, least: 300, most: 700, keys: "write_key " + rig.WriteKey + " web"}

// discard has events go nowhere.
func (s *setup) discard() {
	s.sinks = []string{"sink writer discard"}
}

// store has events go to so many streams, each over a spool of its own.
func (s *setup) store(p place, number int) {
	for n := range number {
		stream := fmt.Sprintf("%s_%d", p.name, n+1)
		s.streams = append(s.streams, stream)
		s.sinks = append(s.sinks, rig.JetStream(p.server, stream, "spool {\n\t\t\tsync off\n\t\t}"))
	}
}

// text is the site in the syntax of the Caddyfile.
func (s *setup) text() string {
	if s.site != "" {
		return s.site
	}
	lines := slices.Concat([]string{s.keys}, s.sinks)
	return "segment_pixel {\n\t" + strings.Join(lines, "\n\t") + "\n}"
}
