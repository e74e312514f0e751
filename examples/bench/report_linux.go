// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// report writes how it was measured, and a table for each protocol.
func (b *bench) report(ctx context.Context) (string, error) {
	method, err := b.method(ctx)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString(method)
	for _, p := range protocols {
		fmt.Fprintf(&text, "\n### %s\n\nThe fixed rate is %.0f requests a second.\n\n", p, b.rates[p])
		text.WriteString(b.table(p))
	}
	return text.String(), nil
}

// method tells how it was measured.
func (b *bench) method(ctx context.Context) (string, error) {
	m, err := describeMachine(ctx, b)
	if err != nil {
		return "", err
	}
	o := b.options
	return fmt.Sprintf("Rounds: %d; in each and for each contender a load of %v over %d new connections, as fast as it can, and after all these rounds as many at a fixed rate. "+
		"“%s” is loaded before and after each other contender. "+
		"Payloads of %s bytes of JSON, base64url in the query. "+
		"The contender has a CPU for itself; h2load, nats-server and the benchmark share another one. %s.\n\n"+
		"Each figure is the median, with the least and the most. CPU is that of the contender alone, in user and kernel mode, "+
		"from the first connection until all is stored, for each request that was answered, and so includes the connections and their handshakes; “×” divides it by the mean of those two of the floor. "+
		"RSS is at the end of the faster load. p50 and p99 are at the fixed rate, corrected for coordinated omission. "+
		"What was answered and arrived is that of the whole run, with all warming up; requests that were under way at the end of a load "+
		"are not counted as answered, but may have arrived.\n",
		o.rounds, o.duration, o.connections, rig.FloorName, o.sizes.String(), m), nil
}

// table is that of one protocol.
func (b *bench) table(p protocol) string {
	var text strings.Builder
	text.WriteString("| contender | CPU µs/request | CPU × respond | requests/s | CPU × at fixed rate | p50 ms | p99 ms | RSS MiB | answered | arrived |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range b.contenders {
		f := c.figures[p]
		if f == nil {
			continue
		}
		arrived := "–"
		if c.arrivals != nil {
			arrived = strconv.Itoa(f.arrived)
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %s | %s | %d | %s |\n", c.name,
			rig.SpreadOf(f.cpu).Text(1),
			ratio(c, f.ratios),
			rig.SpreadOf(f.perSecond).Text(0),
			ratio(c, f.fixedRatios),
			rig.SpreadOf(f.p50).Text(2),
			rig.SpreadOf(f.p99).Text(2),
			rig.SpreadOf(f.resident).Text(0),
			f.answered, arrived)
	}
	return text.String()
}

// ratio writes how a contender compares with the floor.
func ratio(c *contender, ratios []float64) string {
	if c.name == rig.FloorName {
		return "1"
	}
	return rig.SpreadOf(ratios).Text(2)
}
