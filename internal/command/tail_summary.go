// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"slices"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// mendedCounts counts what was mended in the events that a tail has shown.
type mendedCounts struct {
	events  map[string]uint64           // by source
	repairs map[[2]string]*watch.Mended // by source and repair
}

func newMendedCounts() *mendedCounts {
	return &mendedCounts{events: make(map[string]uint64), repairs: make(map[[2]string]*watch.Mended)}
}

func (c *mendedCounts) add(v *watch.View) {
	if v.Outcome == watch.Rejected.String() {
		return
	}
	c.events[v.Source]++
	for _, repair := range v.Repairs {
		key := [2]string{v.Source, repair}
		if c.repairs[key] == nil {
			c.repairs[key] = &watch.Mended{Source: v.Source, Repair: repair, Hint: pixel.RepairHint(repair)}
		}
		c.repairs[key].Events++
	}
}

// print says it so that it can be passed on to whoever sends the pixels, the most frequent
// first.
func (c *mendedCounts) print(out io.Writer) {
	var list []watch.Mended
	for _, m := range c.repairs {
		m.Of = c.events[m.Source]
		list = append(list, *m)
	}
	slices.SortFunc(list, watch.Mended.Compare)
	for _, m := range list {
		_, _ = fmt.Fprintf(out, "%v. %s\n", m, m.Hint)
	}
}
