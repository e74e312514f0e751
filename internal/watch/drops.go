// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// drops are the sinks that did not take an event.
type drops []drop

type drop struct {
	sink  string
	cause report.Cause
}

// String lists the sinks with their causes.
func (d drops) String() string {
	texts := make([]string, len(d))
	for i := range d {
		texts[i] = d[i].sink + ": " + string(d[i].cause)
	}
	return strings.Join(texts, ", ")
}

// hint says what to do, once for each cause.
func (d drops) hint() string {
	var texts []string
	seen := make(map[report.Cause]bool)
	for i := range d {
		if !seen[d[i].cause] {
			seen[d[i].cause] = true
			texts = append(texts, d[i].cause.Hint())
		}
	}
	return strings.Join(texts, " ")
}
