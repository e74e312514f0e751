// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// column is one of a table. Its cell is that of a series and of one of its points.
type column struct {
	title string
	cell  func(r *result, series, point int) string
}

// The columns of tables.
var (
	usualColumns = []column{
		{"CPU µs/request", spread(1, func(p *point) []float64 { return p.cpu })},
		{"× first", func(r *result, s, n int) string {
			points := r.series[s].points
			return rig.SpreadOf(rig.Ratios(points[n].cpu, points[0].cpu)).Text(2)
		}},
		{"requests/s", spread(0, func(p *point) []float64 { return p.perSecond })},
		{"RSS MiB", spread(0, func(p *point) []float64 { return p.resident })},
	}
	p99Column        = column{"p99 ms", spread(1, func(p *point) []float64 { return p.p99 })}
	connectionColumn = column{"CPU µs/connection", spread(0, func(p *point) []float64 { return p.connection })}
	startColumns     = []column{
		{"start ms", single(func(p *point) float64 { return p.start })},
		{"RSS MiB after the start", single(func(p *point) float64 { return p.idle })},
	}
	floorColumn = column{"CPU × " + rig.FloorName, func(r *result, s, n int) string {
		if s == 0 {
			return rig.SpreadOf(rig.Ratios(r.series[0].points[n].cpu, r.series[1].points[n].cpu)).Text(2)
		}
		return "1"
	}}
	backlogColumns = slices.Concat([]column{
		{"spool MiB", ofBacklog(func(d *drained) float64 { return d.files })},
	}, startColumns, usualColumns, []column{
		{"events when NATS came", ofBacklog(func(d *drained) float64 { return float64(d.events) })},
		{"drained events/s", ofBacklog(func(d *drained) float64 { return d.perSecond })},
		{"RSS MiB, peak of the drain", ofBacklog(func(d *drained) float64 { return d.peak })},
	})
)

// spread is the cell of what is measured in rounds.
func spread(decimals int, figures func(*point) []float64) func(*result, int, int) string {
	return func(r *result, s, n int) string {
		return rig.SpreadOf(figures(&r.series[s].points[n])).Text(decimals)
	}
}

// single is the cell of what is measured once.
func single(figure func(*point) float64) func(*result, int, int) string {
	return func(r *result, s, n int) string {
		return known(figure(&r.series[s].points[n]))
	}
}

// ofBacklog is the cell of what only backlogs have.
func ofBacklog(figure func(*drained) float64) func(*result, int, int) string {
	return func(r *result, s, n int) string {
		d := r.series[s].points[n].backlog
		if d == nil {
			return "–"
		}
		return known(figure(d))
	}
}

func known(figure float64) string {
	if figure == 0 {
		return "–"
	}
	return grouped(int(figure + 0.5))
}

// grouped writes a number with commas, as ten million is hard to read without.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// shown is how a value of the dimension is to be read.
func (d *dimension) shown(value int) float64 {
	return float64(value) / float64(max(d.unit, 1))
}

// label writes a value.
func (d *dimension) label(value int) string {
	if value%max(d.unit, 1) == 0 {
		return grouped(value / max(d.unit, 1))
	}
	return strconv.FormatFloat(d.shown(value), 'f', 1, 64)
}

// table writes a heading and the figures, in Markdown. Variants that can be
// compared are below each other.
func (r *result) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n### %s\n\n", r.name)
	if r.remark != "" {
		fmt.Fprintf(&text, "%s\n\n", r.remark)
	}
	fmt.Fprintf(&text, "| %s | variant |", r.axis)
	for _, c := range r.columns {
		fmt.Fprintf(&text, " %s |", c.title)
	}
	text.WriteString("\n|--:|---|" + strings.Repeat("--:|", len(r.columns)) + "\n")
	for n, value := range r.values {
		for s := range r.series {
			if n >= len(r.series[s].points) {
				continue // it was not got to
			}
			fmt.Fprintf(&text, "| %s | %s |", r.label(value), r.series[s].name)
			for _, c := range r.columns {
				fmt.Fprintf(&text, " %s |", c.cell(r, s, n))
			}
			text.WriteString("\n")
		}
	}
	return text.String()
}
