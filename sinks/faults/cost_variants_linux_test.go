// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// variant is a way to answer a pixel, whose cost is measured.
type variant struct {
	name    string
	way     way    // names the stream, if it has one, and the log
	handler string // instead of the jetstream sink and its stream
	body    string // instead of the gif
	spool   spoolOptions
}

// floor is what every other variant is compared with.
const floor = "`respond`"

// standIn is sent by the floor. A configuration of Caddy is text, so it cannot
// hold the gif.
var standIn = strings.Repeat("x", len(pixel.GIF))

func variants() []variant {
	synced := func(sync string) spoolOptions { return spoolOptions{maxSize: "4GiB", sync: sync} }
	return []variant{
		{name: floor, way: "respond", body: standIn, handler: fmt.Sprintf(`header {
		Content-Type image/gif
		Cache-Control "no-cache, no-store, must-revalidate, max-age=0, private"
		Cross-Origin-Resource-Policy cross-origin
		Access-Control-Allow-Origin *
	}
	respond /v1/pixel/* %q`, standIn)},
		{name: "events discarded", way: "discard", handler: fmt.Sprintf("segment_pixel {\nwrite_key %s web\nsink writer discard\n}", writeKey)},
		{name: "`spool off`", way: "spool_off", spool: spoolOptions{off: true}},
		{name: "spool, `sync off`", way: "sync_off", spool: synced("off")},
		{name: "spool, `sync 10ms`", way: "sync_10ms", spool: synced("10ms")},
		{name: "spool, `sync always`", way: "sync_always", spool: synced("always")},
	}
}

// streams tells whether events go to a stream.
func (v variant) streams() bool {
	return v.handler == ""
}

// promises tells whether nothing that was answered may be lost.
func (v variant) promises() bool {
	return v.streams() && !v.spool.off
}

// costLane is the Caddy of a variant, and what was measured of it.
type costLane struct {
	*lane
	variant    variant
	rounds     []measure
	unanswered int     // of the pixels that were due
	verdict    verdict // of all rounds and the one for warming up
}

// costScene has a lane for every variant, all with the same NATS.
type costScene struct {
	scene
	dir   string
	costs []*costLane
}

// stageCost starts everything. Its folder is where temporary files are, which
// should be on a real disk: TMPDIR names it.
func stageCost(b *testing.B) (*costScene, error) {
	b.Helper()
	s := &costScene{dir: b.TempDir()}
	var err error
	if s.broker, err = startBroker(s.dir, 1); err != nil {
		return s, err
	}
	b.Cleanup(s.broker.end)
	b.Cleanup(s.end)
	for n, v := range variants() {
		c, err := s.newLane(v, filepath.Join(s.dir, fmt.Sprintf("caddy%d", n)))
		if err != nil {
			return s, err
		}
		s.lanes = append(s.lanes, c.lane)
		s.costs = append(s.costs, c)
		if err := c.begin(); err != nil {
			return s, fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return s, nil
}

func (s *costScene) newLane(v variant, dir string) (*costLane, error) {
	config := caddyfile{
		way: v.way, servers: s.broker.urls(), ackTimeout: "5s", spool: v.spool,
		handler: v.handler, greeting: "ready",
	}
	caddy, err := newCaddy(dir, config)
	if err != nil {
		return nil, err
	}
	reader := streamReader{broker: s.broker, way: v.way, tally: tally{read: readCostEvent}}
	return &costLane{
		lane:    &lane{way: v.way, broker: s.broker, caddy: caddy, load: &load{stop: make(chan struct{})}, reader: reader},
		variant: v,
	}, nil
}

// begin starts Caddy, with a stream that allows batched publishing if it needs one.
func (c *costLane) begin() error {
	if c.variant.streams() {
		if err := c.broker.createStream(c.way, func(s *jetstream.StreamConfig) { s.AllowBatchPublish = true }); err != nil {
			return err
		}
	}
	if err := c.caddy.begin(); err != nil {
		return err
	}
	for n := range connections {
		c.load.senders = append(c.load.senders,
			&sender{connection: n, address: c.caddy.address, request: costRequest, body: c.variant.body})
	}
	return nil
}
