// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"os"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/plot"
	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// draw writes a plot of CPU for each request over the values of each dimension.
func (g *growth) draw(results []result) error {
	if g.options.svg == "" || len(results) == 0 {
		return nil
	}
	charts := make([]plot.Chart, len(results))
	for n := range results {
		charts[n] = results[n].chart()
	}
	text := plot.SVG("CPU µs for a request", charts)
	//nolint:gosec // a drawing is for everybody
	if err := os.WriteFile(g.options.svg, []byte(text), 0o644); err != nil {
		return fmt.Errorf("%w; -svg names another file", err)
	}
	rig.Note("drew %s", g.options.svg)
	return nil
}

// chart is the plot of a dimension.
func (r *result) chart() plot.Chart {
	c := plot.Chart{Title: r.name, X: r.axis}
	for _, s := range r.series {
		line := plot.Series{Name: s.name}
		for _, p := range s.points {
			cpu := rig.SpreadOf(p.cpu)
			if math.IsNaN(cpu.Median) {
				continue // it could not be measured
			}
			line.Points = append(line.Points, plot.Point{X: r.shown(p.value), Y: cpu.Median, Low: cpu.Least, High: cpu.Most})
		}
		c.Series = append(c.Series, line)
	}
	return c
}
