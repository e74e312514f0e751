// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Mended says how many events of a source needed a repair.
type Mended struct {
	Source string `json:"source"`
	Repair string `json:"repair"`
	Events uint64 `json:"events"`
	Of     uint64 `json:"of"` // all events of the source
	Hint   string `json:"hint"`
}

// String says it so that it can be passed on to whoever sends the pixels.
func (m Mended) String() string {
	return fmt.Sprintf("%.3g %% of %s's events needed %s (%d of %d)", 100*float64(m.Events)/float64(m.Of), m.Source, m.Repair, m.Events, m.Of)
}

// Mended lists what was mended by source, the most frequent first.
func (m *Metrics) Mended() []Mended {
	list := []Mended{}
	for source, counts := range *m.sources.Load() {
		all := counts.events()
		for i := range counts.repairs {
			if n := counts.repairs[i].Load(); n > 0 {
				name := pixel.Repair(1 << i).String()
				list = append(list, Mended{source, name, n, max(all, n), pixel.RepairHint(name)})
			}
		}
	}
	slices.SortFunc(list, Mended.Compare)
	return list
}

// Compare puts the most frequent first.
func (m Mended) Compare(o Mended) int {
	return cmp.Or(cmp.Compare(o.Events, m.Events), cmp.Compare(m.Source, o.Source), cmp.Compare(m.Repair, o.Repair))
}

// Repeating is a source that sends message ids again.
type Repeating struct {
	Source   string `json:"source"`
	LastHour uint64 `json:"last_hour"`
	// Problem says what to do about it; empty if it may be chance.
	Problem string `json:"problem,omitempty"`
}

// manyRepeats is how often a source may send message ids again within an hour: a client
// asks for a picture twice now and then.
const manyRepeats = 10

// String says what is wrong, and what to do.
func (r Repeating) String() string {
	return fmt.Sprintf("%s sent the same messageId again, %d times in the last hour: leave it out of the template, or make it unique; "+
		"of the events with one messageId and one reader, a stream stores the first alone", r.Source, r.LastHour)
}

// Repeating lists the sources that repeat ids, with how often in the last hour.
func (m *Metrics) Repeating() []Repeating {
	list := []Repeating{}
	now := time.Now()
	for source, counts := range *m.sources.Load() {
		if n := counts.repeats.lately(now); n > 0 {
			r := Repeating{Source: source, LastHour: n}
			if n >= manyRepeats {
				r.Problem = r.String()
			}
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Repeating) int {
		return cmp.Or(cmp.Compare(b.LastHour, a.LastHour), cmp.Compare(a.Source, b.Source))
	})
	return list
}
