// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

var errAdminOff = errors.New("its admin API is off")

// doctorReport is the result as JSON.
type doctorReport struct {
	Problems int           `json:"problems"`
	Warnings int           `json:"warnings"`
	Checks   []doctorCheck `json:"checks"`
}

type doctorCheck struct {
	About string `json:"about"`
	sinks.Check
}

func (d *doctor) report() doctorReport {
	report := doctorReport{Problems: d.count(sinks.Problem), Warnings: d.count(sinks.Warning)}
	for _, found := range d.found {
		for _, check := range found.checks {
			report.Checks = append(report.Checks, doctorCheck{found.about, check})
		}
	}
	return report
}

func (d *doctor) count(mark sinks.Mark) int {
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
func (d *doctor) String() string {
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
	fmt.Fprintf(&b, "%s, %s\n", plural(d.count(sinks.Problem), "problem"), plural(d.count(sinks.Warning), "warning"))
	return b.String()
}
