// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// DefaultRecent is how many requests are kept of either ring.
const DefaultRecent = 500

// Recent keeps the last requests of all handlers.
var Recent = newRecorder(DefaultRecent)

// recorder keeps the last requests for whoever looks at them on the admin endpoint.
// Those that became events and the others have a ring each, so that a flood of good
// pixels does not wash away the bad one that somebody looks for.
type recorder struct {
	mu       sync.Mutex
	payloads string // as in App.Payloads
	next     uint64 // the id of the next record
	rings    [ringCount]ring
	wake     chan struct{} // closed at the next record; nil if nobody waits

	problems problems
	events   eventCounts
}

const (
	ringAccepted = iota
	ringOthers
	ringCount
)

// newRecorder numbers records from the time of the process's start on, so that an id
// from before a restart is never taken for a later one.
func newRecorder(size int) *recorder {
	r := &recorder{next: uint64(time.Now().UnixMicro()), payloads: PayloadsFull, problems: make(problems), events: make(eventCounts)}
	for i := range r.rings {
		r.rings[i].slots = make([]record, size)
	}
	return r
}

// Configure changes how many records are kept, and what is shown of them.
func (r *recorder) Configure(size int, payloads string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size = max(size, 0)
	r.payloads = payloads
	if size == 0 {
		clear(r.problems)
	}
	if size == 0 || payloads != PayloadsFull {
		clear(r.events)
	}
	if payloads == payloadsOff {
		r.problems.forgetPayloads()
	}
	for i := range r.rings {
		r.rings[i].resize(size)
		if payloads == payloadsOff {
			r.rings[i].forgetPayloads()
		}
	}
}

// Settings are what configure was told.
func (r *recorder) Settings() (size int, payloads string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rings[ringAccepted].slots), r.payloads
}

// observe implements observer.
func (r *recorder) observe(o *Outcome) {
	if o.reason() == pixel.Suppressed {
		return // Who has withdrawn consent leaves a count and nothing else.
	}
	which := ringOthers
	if o.Result == Accepted {
		which = ringAccepted
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rings[which].slots) == 0 {
		return
	}
	r.rings[which].slot().fill(r.next, o, r.payloads != payloadsOff)
	if o.Result != Accepted {
		r.problems.note(r.next, o, r.payloads != payloadsOff)
	}
	if o.Event != nil && r.payloads == PayloadsFull {
		r.events.note(o)
	}
	r.next++
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// Interface guard
var _ observer = (*recorder)(nil)
