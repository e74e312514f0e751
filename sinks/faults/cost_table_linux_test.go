// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table writes what was measured in Markdown, with how it was measured.
func (s *costScene) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d rounds of %v for each, %s pixels a second over %d connections, objects of %d bytes; %s, %d CPUs for Caddy, NATS and the load.\n",
		*roundsFlag, *roundFlag, grouped(costRate()), connections, len(costPayload(pixelID{})), runtime.Version(), runtime.NumCPU())
	text.WriteString("Medians of the rounds, with the least and the most; CPU is that of Caddy alone, until all is stored, and the time to the answer " +
		"counts from when a pixel was due. What was answered and stored includes the warming up.\n\n")
	text.WriteString("| variant | CPU µs a pixel | CPU × " + floor + " | p50 ms | p99 ms | answered | stored | lost |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|\n")
	var late []float64
	for _, c := range s.costs {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", c.variant.name,
			spread("%.1f", c.each(func(m measure) float64 { return micros(m.cpu) })),
			spread("%.2f", s.ratios(c)),
			spread("%.2f", c.each(func(m measure) float64 { return micros(m.p50) / 1000 })),
			spread("%.2f", c.each(func(m measure) float64 { return micros(m.p99) / 1000 })),
			grouped(c.verdict.answered), c.stored(grouped(c.verdict.stored)), c.stored(grouped(len(c.verdict.lost))))
		late = append(late, c.each(func(m measure) float64 { return micros(m.pace) / 1000 })...)
	}
	fmt.Fprintf(&text, "\nThe load itself was late by this many ms with one pixel in a hundred, which is part of every p99: %s.\n", spread("%.2f", late))
	return text.String()
}

// ratios compares the CPU time with that of the floor in the same round, so that
// what the machine does beside this changes both.
func (s *costScene) ratios(c *costLane) []float64 {
	var ratios []float64
	for _, f := range s.costs {
		if f.variant.name != floor {
			continue
		}
		for round := range min(len(c.rounds), len(f.rounds)) {
			ratios = append(ratios, float64(c.rounds[round].cpu)/float64(f.rounds[round].cpu))
		}
	}
	return ratios
}

// stored is for columns that mean nothing where nothing is to be stored.
func (c *costLane) stored(text string) string {
	if !c.variant.streams() {
		return ""
	}
	return text
}

// each returns one figure of all rounds.
func (c *costLane) each(figure func(measure) float64) []float64 {
	var figures []float64
	for _, m := range c.rounds {
		figures = append(figures, figure(m))
	}
	return figures
}

// spread writes the median, the least and the most.
func spread(format string, figures []float64) string {
	if len(figures) == 0 {
		return "–"
	}
	sorted := slices.Sorted(slices.Values(figures))
	half := len(sorted) / 2
	median := sorted[half]
	if len(sorted)%2 == 0 {
		median = (sorted[half-1] + sorted[half]) / 2
	}
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median, sorted[0], sorted[len(sorted)-1])
}

func micros(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000
}
