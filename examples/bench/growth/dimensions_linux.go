// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// The names of variants.
const (
	discarded = "events discarded"
	stored    = "jetstream"
)

var dimensions = []dimension{
	{
		name: "payload size", axis: "KiB of JSON", unit: 1024,
		values:   []int{307, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10},
		variants: []variant{{discarded, ofSize((*setup).toNowhere)}, {stored, ofSize((*setup).toStream)}},
		columns:  usualColumns,
	},
	{
		name: "connections", axis: "connections",
		values:   []int{1, 4, 16, 64, 256, 1024, 4096},
		variants: []variant{{stored, overConnections}},
		columns:  slices.Concat(usualColumns, []column{p99Column, connectionColumn}),
		remark: "What it costs to open and close connections is measured for itself, by loads of one request for each connection, " +
			"and is not part of what a request costs. Loads last a millisecond for each connection or more. p99 is that of the time to the answer, as fast as Caddy can: each connection waits for all others.",
	},
	{
		name: "write keys", axis: "write keys",
		values:   []int{1, 10, 1000, 100_000},
		variants: []variant{{discarded, withKeys}},
		columns:  slices.Concat(startColumns, usualColumns),
		remark:   "The keys are in a file, and all payloads have the one in its middle.",
	},
	{
		name: "sinks", axis: "jetstream sinks",
		values: []int{1, 2, 3, 4},
		variants: []variant{{stored, func(s *setup, p place) error {
			s.store(p, p.value)
			return nil
		}}},
		columns: usualColumns,
		remark:  "Each sink has a stream and a spool of its own, and gets every event.",
	},
	{
		name: "sites", axis: "sites",
		values:   []int{1, 10, 100, 1000},
		variants: []variant{{discarded, onSites}, {rig.FloorName, respondingSites}},
		columns:  slices.Concat(startColumns, usualColumns, []column{floorColumn}),
		remark:   "All requests are for the site in the middle. Caddy finds it in the same way for both variants.",
	},
	{
		name: "spool backlog", axis: "events in the spool",
		values:   []int{0, 10_000, 100_000, 1_000_000, 10_000_000},
		variants: []variant{{name: stored}},
		columns:  backlogColumns,
		measure:  measureBacklog,
		remark: "NATS is down when Caddy starts and while requests are measured, which adds to the events. " +
			"The drain begins when NATS is there again, and its rate counts from the first event that is stored.",
	},
}

// ofSize gives payloads the size, and has events go somewhere.
func ofSize(send func(*setup, place)) func(*setup, place) error {
	return func(s *setup, p place) error {
		s.least, s.most = p.value, p.value
		send(s, p)
		return nil
	}
}

func (s *setup) toNowhere(place) {
	s.discard()
}

func (s *setup) toStream(p place) {
	s.store(p, 1)
}

func overConnections(s *setup, p place) error {
	s.connections, s.connects = p.value, true
	s.store(p, 1)
	return nil
}

// withKeys writes a file of keys, of which the middle one is that of the payloads.
func withKeys(s *setup, p place) (err error) {
	file := filepath.Join(p.dir, "keys")
	s.keys = "write_keys " + file
	s.discard()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text := bufio.NewWriter(f)
	for n := range p.value {
		key := fmt.Sprintf("key%09d", n)
		if n == p.value/2 {
			key = rig.WriteKey
		}
		if _, err := fmt.Fprintf(text, "%s site-%d\n", key, n); err != nil {
			return err
		}
	}
	return text.Flush()
}

func onSites(s *setup, p place) error {
	for n := range p.value {
		s.hosts = append(s.hosts, fmt.Sprintf("s%d.example", n+1))
	}
	s.host = s.hosts[p.value/2]
	s.discard()
	return nil
}

func respondingSites(s *setup, p place) error {
	s.site = rig.Floor
	return onSites(s, p)
}
