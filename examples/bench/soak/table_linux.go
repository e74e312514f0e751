// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// flat is the most that the memory may grow by from the second fifth of a phase to
// the last one and still be called flat. The garbage collector alone moves it by
// some percent.
const flat = 1.1

// growth is the median of the last fifth of values, divided by that of the second
// one. The first one is left out, as whatever starts grows. It is NaN if there are
// too few values to tell.
func growth(values []float64) float64 {
	const enough = 15
	if len(values) < enough {
		return math.NaN()
	}
	fifth := len(values) / 5
	return rig.SpreadOf(values[len(values)-fifth:]).Median / rig.SpreadOf(values[fifth:2*fifth]).Median
}

// judge tells of a growth whether the memory is flat.
func judge(growth float64) string {
	switch {
	case math.IsNaN(growth):
		return "there are too few samples to tell whether it is flat"
	case growth > flat:
		return fmt.Sprintf("it grows: × %.2f", growth)
	default:
		return fmt.Sprintf("it is flat: × %.2f", growth)
	}
}

// table writes a heading, a line for each slice, and whether the memory is flat.
func (p *phase) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n### %s\n\n| from – to | answered | p50 ms | p99 ms | RSS MiB | spool MiB |\n|---|--:|--:|--:|--:|--:|\n", p.name)
	for _, one := range p.slices {
		answered, p50, p99 := "–", "–", "–"
		if one.load != nil {
			answered = fmt.Sprint(one.load.Answered)
			p50, p99 = fmt.Sprintf("%.1f", rig.Millis(one.load.P50)), fmt.Sprintf("%.1f", rig.Millis(one.load.P99))
		}
		var resident, spool []float64
		for _, sample := range p.samples {
			if sample.at >= one.from && sample.at < one.to {
				resident, spool = append(resident, sample.resident), append(spool, sample.spool)
			}
		}
		fmt.Fprintf(&text, "| %s – %s | %s | %s | %s | %s | %s |\n", clock(one.from), clock(one.to), answered, p50, p99,
			rig.SpreadOf(resident).Text(0), rig.SpreadOf(spool).Text(0))
	}
	var resident []float64
	for _, sample := range p.samples {
		resident = append(resident, sample.resident)
	}
	fmt.Fprintf(&text, "\nRSS is %s MiB over %d samples; %s.\n", rig.SpreadOf(resident).Text(0), len(resident), judge(growth(resident)))
	return text.String()
}

// clock writes minutes and seconds.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
