// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync"
	"time"
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
}

const (
	ringAccepted = iota
	ringOthers
	ringCount
)

// newRecorder numbers records from the time of the process's start on, so that an id
// from before a restart is never taken for a later one.
func newRecorder(size int) *recorder {
	r := &recorder{next: uint64(time.Now().UnixMicro()), payloads: PayloadsFull}
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
	r.next++
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// Cursor is how far somebody has read. The zero value is before everything.
type Cursor [ringCount]uint64

// After returns a cursor behind the record with this id.
func (r *recorder) After(id uint64) Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	var c Cursor
	for i := range r.rings {
		g := &r.rings[i]
		for c[i] = g.oldest(); c[i] < g.total && g.at(c[i]).id <= id; {
			c[i]++
		}
	}
	return c
}

// Newest returns a cursor behind everything.
func (r *recorder) Newest() Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Cursor{r.rings[ringAccepted].total, r.rings[ringOthers].total}
}

// maxRead bounds how many records are looked at in one go, as requests wait meanwhile.
const maxRead = 32

// Page is some records, oldest first.
type Page struct {
	Records  []record // copies of those that the filter lets through
	Missed   uint64   // how many others would have had to be looked at, but are gone
	Payloads string   // what of them may be shown now, as in App.Payloads
	// wait is closed at the next record. It is nil while there are more to look at.
	Wait <-chan struct{}
}

// Read returns the next records, and moves the cursor.
func (r *recorder) Read(c *Cursor, f *Filter) Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	page := Page{Payloads: r.payloads}
	for i := range r.rings {
		if oldest := r.rings[i].oldest(); c[i] < oldest {
			if f.wants(i) {
				page.Missed += oldest - c[i]
			}
			c[i] = oldest
		}
	}
	for range maxRead {
		next := r.follows(c)
		if next == nil {
			if r.wake == nil {
				r.wake = make(chan struct{})
			}
			page.Wait = r.wake
			return page
		}
		if f.matches(next) {
			page.Records = append(page.Records, next.clone())
		}
	}
	return page
}

// follows returns the next record, and moves the cursor. It expects the lock to be
// held.
func (r *recorder) follows(c *Cursor) *record {
	found := -1
	for i := range r.rings {
		g := &r.rings[i]
		if c[i] < g.total && (found < 0 || g.at(c[i]).id < r.rings[found].at(c[found]).id) {
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	c[found]++
	return r.rings[found].at(c[found] - 1)
}

// Interface guard
var _ observer = (*recorder)(nil)
