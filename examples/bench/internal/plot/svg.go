// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart is one plot.
type Chart struct {
	Title  string
	X      string // what the values are
	Series []Series
}

// Series is a line.
type Series struct {
	Name   string
	Points []Point // in order of X
}

// Point is a figure, with the least and the most that it was.
type Point struct {
	X, Y, Low, High float64
}

// Sizes in pixels.
const (
	perRow      = 3
	chartWidth  = 320
	chartHeight = 270
	margin      = 16
	header      = 64 // above all charts
	left        = 44 // of a chart, for the numbers
	right       = 14
	top         = 44 // of a chart, for its title and the names of its lines
	bottom      = 44
)

// style has colors for light and dark pages. It brings its own background, as a
// page need not be as dark as the system is.
const style = `<style>
text{font:11px system-ui,sans-serif;fill:#57606a}
.h{font-size:15px;font-weight:600;fill:#1f2328}.t{font-size:13px;font-weight:600;fill:#1f2328}
.bg{fill:#fff}.g{stroke:#e4e7eb;fill:none}.p{stroke:#8c959f;stroke-dasharray:2 4;fill:none}
.l{fill:none;stroke-width:2;stroke-linejoin:round}.r{stroke-width:1;opacity:.6}
.s0{stroke:#0b66c3}.f0{fill:#0b66c3}.s1{stroke:#bf5b04}.f1{fill:#bf5b04}.s2{stroke:#1a7f37}.f2{fill:#1a7f37}
@media (prefers-color-scheme:dark){text{fill:#9aa4ae}.h,.t{fill:#e6edf3}.bg{fill:#0d1117}.g{stroke:#262c36}.p{stroke:#6e7681}
.s0{stroke:#6cb6ff}.f0{fill:#6cb6ff}.s1{stroke:#f0a35e}.f1{fill:#f0a35e}.s2{stroke:#57d07b}.f2{fill:#57d07b}}
</style>
`

// colors is how many series style tells apart.
const colors = 3

// SVG draws charts side by side, with one scale for all their figures, so that
// slopes and heights can be compared.
func SVG(title string, charts []Chart) string {
	columns := max(1, min(len(charts), perRow))
	rows := (len(charts) + perRow - 1) / perRow
	width, height := columns*chartWidth+2*margin, rows*chartHeight+header+margin
	var text strings.Builder
	fmt.Fprintf(&text, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		width, height, width, height, html.EscapeString(title))
	text.WriteString(style)
	fmt.Fprintf(&text, `<rect class="bg" width="%d" height="%d" rx="6"/>`+"\n", width, height)
	write(&text, "h", "start", margin, 26, title)
	// Below the title, what the dots are.
	fmt.Fprintf(&text, `<path class="p" d="M%d 42h26"/>`+"\n", margin)
	write(&text, "n", "start", margin+32, 46, "if it grew as much as what it is drawn over")
	y := newAxis(figures(charts), chartHeight-bottom, top).rounded()
	for n, c := range charts {
		fmt.Fprintf(&text, `<g transform="translate(%d %d)">`+"\n", margin+n%perRow*chartWidth, header+n/perRow*chartHeight)
		c.draw(&text, y)
		text.WriteString("</g>\n")
	}
	text.WriteString("</svg>\n")
	return text.String()
}

// figures are all that the axis of figures has to have room for.
func figures(charts []Chart) []float64 {
	var all []float64
	for _, c := range charts {
		for _, s := range c.Series {
			for _, p := range s.Points {
				all = append(all, p.Y, p.Low, p.High)
			}
		}
	}
	return all
}

// draw draws a chart with its upper left corner at the origin.
func (c *Chart) draw(text *strings.Builder, y axis) {
	var values []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			values = append(values, p.X)
		}
	}
	x := newAxis(values, left+8, chartWidth-right-8)
	write(text, "t", "start", left, 14, c.Title)
	write(text, "n", "middle", (left+chartWidth-right)/2, chartHeight-bottom+34, c.X)
	for _, tick := range steps(y.low, y.high) {
		fmt.Fprintf(text, `<path class="g" d="M%d %.1fH%d"/>`+"\n", left, y.at(tick), chartWidth-right)
		write(text, "n", "end", left-6, y.at(tick)+4, Short(tick))
	}
	for _, value := range different(values) {
		fmt.Fprintf(text, `<path class="g" d="M%.1f %dv4"/>`+"\n", x.at(value), chartHeight-bottom)
		write(text, "n", "middle", x.at(value), chartHeight-bottom+17, Short(value))
	}
	at := float64(left)
	for n, s := range c.Series {
		if n == 0 {
			s.proportional(text, x, y) // once is enough to compare slopes
		}
		s.draw(text, x, y, n%colors)
		fmt.Fprintf(text, `<circle class="f%d" cx="%.1f" cy="28" r="4"/>`+"\n", n%colors, at+4)
		write(text, "n", "start", at+12, 32, s.Name)
		at += 30 + 6*float64(len(s.Name))
	}
}

// draw draws the line, with a dot for each figure and a stroke from the least to
// the most that it was.
func (s *Series) draw(text *strings.Builder, x, y axis, color int) {
	var line strings.Builder
	for n, p := range s.Points {
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(n, 1)], x.at(p.X), y.at(p.Y))
		fmt.Fprintf(text, `<path class="r s%d" d="M%.1f %.1fV%.1f"/>`+"\n", color, x.at(p.X), y.at(p.Low), y.at(p.High))
		fmt.Fprintf(text, `<circle class="f%d" cx="%.1f" cy="%.1f" r="3"><title>%s: %.1f</title></circle>`+"\n",
			color, x.at(p.X), y.at(p.Y), html.EscapeString(Short(p.X)), p.Y)
	}
	if line.Len() > 0 {
		fmt.Fprintf(text, `<path class="l s%d" d="%s"/>`+"\n", color, line.String())
	}
}

// proportional draws how the line would go on from its first point if the figure
// grew as much as the value, up to the end of an axis.
func (s *Series) proportional(text *strings.Builder, x, y axis) {
	for _, p := range s.Points {
		if p.X <= 0 {
			continue // nothing is proportional to zero
		}
		growth := math.Min(x.high/p.X, y.high/p.Y)
		fmt.Fprintf(text, `<path class="p" d="M%.1f %.1fL%.1f %.1f"/>`+"\n", x.at(p.X), y.at(p.Y), x.at(p.X*growth), y.at(p.Y*growth))
		return
	}
}

// write writes a text.
func write(text *strings.Builder, class, anchor string, x, y float64, words string) {
	fmt.Fprintf(text, `<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, anchor, x, y, html.EscapeString(words))
}
