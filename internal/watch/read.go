// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"slices"
)

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
	return r.newest()
}

// newest expects the lock to be held.
func (r *recorder) newest() Cursor {
	return Cursor{r.rings[ringAccepted].total, r.rings[ringOthers].total}
}

// maxRead bounds how many records are looked at or copied in one go, as requests wait
// meanwhile.
const maxRead = 32

// Found are records that a filter lets through, oldest first.
type Found struct {
	LeftOut uint64 // how many more there are, which were not asked for
	Missed  uint64 // how many others would have had to be looked at, but were gone

	recorder *recorder
	places   []place
}

// place is where a record stands.
type place struct {
	ring   int
	number uint64
	id     uint64
}

// Find looks for the records between two cursors that the filter lets through.
func (r *recorder) Find(from, to Cursor, f *Filter) *Found {
	found := &Found{recorder: r}
	for i := range r.rings {
		if !f.wants(i) {
			continue
		}
		for next := from[i]; next < to[i]; {
			next = r.look(found, i, next, to[i], f)
		}
	}
	slices.SortFunc(found.places, func(a, b place) int { return cmp.Compare(a.id, b.id) })
	return found
}

// Newest leaves out all but the last records.
func (f *Found) Newest(most int) *Found {
	if more := len(f.places) - most; more > 0 {
		f.LeftOut += uint64(more)
		f.places = f.places[more:]
	}
	return f
}

// Thin does the same, but keeps half of the places for those that became no events, so
// that a flood of good ones does not push them out.
func (f *Found) Thin(most int) *Found {
	if more := len(f.places) - most; more > 0 {
		f.LeftOut += uint64(more)
		f.places = thinned(f.places, most)
	}
	return f
}

// look adds the places of records that the filter lets through, of a few. It returns
// where to go on.
func (r *recorder) look(found *Found, ring int, next, end uint64, f *Filter) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := &r.rings[ring]
	if oldest := min(g.oldest(), end); next < oldest {
		found.Missed += oldest - next
		next = oldest
	}
	end = min(end, next+maxRead)
	for ; next < end; next++ {
		if rec := g.at(next); f.matches(rec, r.payloads) {
			found.places = append(found.places, place{ring, next, rec.id})
		}
	}
	return next
}

func thinned(found []place, most int) []place {
	room := [ringCount]int{}
	for _, p := range found {
		room[p.ring]++
	}
	others := min(room[ringOthers], max(most/2, most-room[ringAccepted]))
	room[ringOthers], room[ringAccepted] = others, most-others
	picked := make([]place, 0, most)
	for _, p := range slices.Backward(found) {
		if room[p.ring] > 0 {
			room[p.ring]--
			picked = append(picked, p)
		}
	}
	slices.Reverse(picked)
	return picked
}

// Page is a few records.
type Page struct {
	Records  []record // copies
	Payloads string   // what of them may be shown now, as in App.Payloads
}

// Next returns the next few records, but for those that have gone meanwhile, and false
// after the last.
func (f *Found) Next() (Page, bool) {
	if len(f.places) == 0 {
		return Page{}, false
	}
	chunk := f.places[:min(maxRead, len(f.places))]
	f.places = f.places[len(chunk):]
	r := f.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	page := Page{Payloads: r.payloads}
	for _, p := range chunk {
		if g := &r.rings[p.ring]; p.number >= g.oldest() && p.number < g.total {
			page.Records = append(page.Records, g.at(p.number).clone())
		} else {
			f.Missed++
		}
	}
	return page, true
}

// Wait returns what is closed when there is a record behind the cursor.
func (r *recorder) Wait(behind Cursor) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newest() != behind {
		now := make(chan struct{})
		close(now)
		return now
	}
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return r.wake
}
