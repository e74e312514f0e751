// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

var errAdminOff = errors.New("its admin API is off")

// Report is the result as JSON.
type Report struct {
	Problems int            `json:"problems"`
	Warnings int            `json:"warnings"`
	Checks   []status.Check `json:"checks"`
}

// Report is all that was found, as JSON shows it.
func (d *Doctor) Report() Report {
	report := Report{Problems: d.Count(report.Problem), Warnings: d.Count(report.Warning)}
	for _, found := range d.found {
		for _, check := range found.checks {
			report.Checks = append(report.Checks, status.Check{About: found.about, Check: check})
		}
	}
	return report
}

// Count is how many checks have a mark.
func (d *Doctor) Count(mark report.Mark) int {
	n := 0
	for _, found := range d.found {
		for _, check := range found.checks {
			if check.Mark == mark {
				n++
			}
		}
	}
	return n
}

// colours has a problem stand out.
var colours = map[report.Mark]string{report.Problem: terminal.Red, report.Warning: terminal.Yellow}

// Text is the result for people: what was looked at, a line for each check, and below
// it what to do.
func (d *Doctor) Text(paint terminal.Palette) string {
	const width = len("  warning  ")
	var b strings.Builder
	for _, found := range d.found {
		fmt.Fprintf(&b, "%s\n", found.about)
		for _, check := range found.checks {
			line := fmt.Sprintf("%-*s%s: %s", width-2, check.Mark, check.Name, check.Found)
			if colour := colours[check.Mark]; colour != "" {
				line = paint.Text(colour, line)
			}
			b.WriteString("  " + line + "\n")
			if check.Remedy != "" {
				fmt.Fprintf(&b, "%*s-> %s\n", width, "", check.Remedy)
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s, %s\n", terminal.Plural(d.Count(report.Problem), "problem"), terminal.Plural(d.Count(report.Warning), "warning"))
	return b.String()
}
