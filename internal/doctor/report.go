// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

var errAdminOff = errors.New("its admin API is off")

// Report is the result as JSON.
type Report struct {
	Problems int     `json:"problems"`
	Warnings int     `json:"warnings"`
	Checks   []Check `json:"checks"`
}

type Check struct {
	About string `json:"about"`
	sinks.Check
}

func (d *Doctor) Report() Report {
	report := Report{Problems: d.Count(sinks.Problem), Warnings: d.Count(sinks.Warning)}
	for _, found := range d.found {
		for _, check := range found.checks {
			report.Checks = append(report.Checks, Check{found.about, check})
		}
	}
	return report
}

func (d *Doctor) Count(mark sinks.Mark) int {
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

// String is the result as text: what was looked at, a line for each check, and below
// it what to do.
func (d *Doctor) String() string {
	const width = len("  warning  ")
	var b strings.Builder
	for _, found := range d.found {
		fmt.Fprintf(&b, "%s\n", found.about)
		for _, check := range found.checks {
			fmt.Fprintf(&b, "  %-*s%s: %s\n", width-2, check.Mark, check.Name, check.Found)
			if check.Remedy != "" {
				fmt.Fprintf(&b, "%*s-> %s\n", width, "", check.Remedy)
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s, %s\n", terminal.Plural(d.Count(sinks.Problem), "problem"), terminal.Plural(d.Count(sinks.Warning), "warning"))
	return b.String()
}
