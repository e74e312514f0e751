// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"slices"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// window is the events that are under way.
type window struct {
	entries []spool.Entry
	settled []bool // stored or set aside
	sent    []bool // or may have been, by an earlier run
	left    int
	head    int // every entry before it is settled

	// held are subjects of which one event at a time is tried, for all of them: they
	// were strays when last seen, and most likely are still. What is refused anyhow
	// should not break up batches, nor fill the server's log.
	held map[string]struct{}
	// denied are subjects that the server denies, and since when.
	denied map[string]time.Time
	// uncovered are subjects that seemed to have no stream when last asked for.
	uncovered map[string]struct{}
}

// window returns a window of the entries.
func (f *Forwarder) window(entries []spool.Entry) *window {
	w := &window{
		held:      make(map[string]struct{}),
		denied:    make(map[string]time.Time),
		uncovered: make(map[string]struct{}),
	}
	f.fill(w, entries)
	return w
}

// fill has the window hold these entries, of which the first are there already.
func (f *Forwarder) fill(w *window, entries []spool.Entry) {
	more := entries[len(w.entries):]
	w.entries = entries
	w.left += len(more)
	w.settled = append(w.settled, make([]bool, len(more))...)
	w.sent = slices.Grow(w.sent, len(more))
	for i := range more {
		w.sent = append(w.sent, more[i].Sequence <= f.inDoubt)
		if len(f.strays) > 0 && f.strays.know(more[i].Subject) {
			w.held[more[i].Subject] = struct{}{}
		}
	}
}

func (w *window) settle(i int) {
	w.settled[i] = true
	w.left--
}

// release has all events of a subject be tried again.
func (w *window) release(subject string) {
	delete(w.held, subject)
	delete(w.denied, subject)
}

// free returns the entries whose subjects are not held, and where they stand.
func (w *window) free() (entries []spool.Entry, places []int) {
	places = make([]int, 0, len(w.entries))
	for i := range w.entries {
		if _, held := w.held[w.entries[i].Subject]; !held {
			places = append(places, i)
		}
	}
	if len(places) == len(w.entries) {
		return w.entries, places
	}
	for _, i := range places {
		entries = append(entries, w.entries[i])
	}
	return entries, places
}

// acknowledgeSettled tells the spool of what is settled without a hole before it.
func (f *Forwarder) acknowledgeSettled(w *window) {
	head := w.head
	for w.head < len(w.settled) && w.settled[w.head] {
		w.head++
	}
	if w.head > head {
		f.source.Acknowledge(w.entries[w.head-1].Sequence)
	}
}
