// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// eventCounts are the events by source, type and name.
type eventCounts map[eventKey]*eventCount

type eventKey struct {
	source string
	typ    pixel.Type
	name   string
	folded bool // stands for all names that have no count of their own
}

type eventCount struct {
	count uint64
	last  time.Time
}

// maxEventCounts bounds the names, which clients choose.
const maxEventCounts = 500

// note counts an event.
func (c eventCounts) note(o *Outcome) {
	key := eventKey{source: o.Source, typ: o.Type, name: o.Event.Name[:min(len(o.Event.Name), maxText)]}
	count := c[key]
	if count == nil {
		if len(c) >= maxEventCounts {
			key.name, key.folded = "", true
			count = c[key]
		}
		if count == nil {
			count = new(eventCount)
			key.name, key.source = strings.Clone(key.name), strings.Clone(key.source)
			c[key] = count
		}
	}
	count.count++
	count.last = o.Received
}

// EventCount says how often an event came since the process started.
type EventCount struct {
	Type       string    `json:"type"`
	Event      string    `json:"event,omitempty"`
	Source     string    `json:"source"`
	OtherNames bool      `json:"other_names,omitempty"` // it stands for names beyond those that are counted
	Count      uint64    `json:"count"`
	LastSeen   time.Time `json:"last_seen"`
}

func (c eventCounts) views() []EventCount {
	views := make([]EventCount, 0, len(c))
	for key, count := range c {
		views = append(views, EventCount{
			Type: key.typ.String(), Event: key.name, Source: key.source, OtherNames: key.folded,
			Count: count.count, LastSeen: count.last.UTC(),
		})
	}
	return views
}

func sortEventCounts(views []EventCount) {
	slices.SortFunc(views, func(a, b EventCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Event, b.Event))
	})
}
