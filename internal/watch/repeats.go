// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// remembered is how many message ids of a source are, a power of two.
	remembered = 1024
	// periods and period are of the time in which repeats are counted for people: an hour.
	periods = 12
	period  = 5 * time.Minute
)

// idSeed keeps clients from choosing ids that collide.
var idSeed = maphash.MakeSeed()

// repeats counts message ids that were sent before, which a stream takes for one event
// within its duplicate window. It remembers as many as it has places: of two ids that
// fall into one place the later stays, so that looking costs no more than that.
type repeats struct {
	seen  [remembered]atomic.Uint64 // hashes
	total atomic.Uint64

	mu     sync.Mutex
	counts [periods]uint64
	newest int64 // the number of the period that was counted in last
}

// note takes the message id of an event.
func (r *repeats) note(id string, at time.Time) {
	hash := maphash.String(idSeed, id) | 1 // zero is a place that is free
	if r.seen[hash>>1%remembered].Swap(hash) != hash {
		return
	}
	r.total.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := at.UnixNano() / int64(period)
	r.forget(now)
	r.counts[r.newest%periods]++
}

// forget clears what is older than the periods reach. It expects the lock to be held.
func (r *repeats) forget(now int64) {
	for ; r.newest < now; r.newest++ {
		if now-r.newest > periods {
			r.newest = now - periods
		}
		r.counts[(r.newest+1)%periods] = 0
	}
}

// lately is how often an id was repeated within the last hour.
func (r *repeats) lately(at time.Time) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(at.UnixNano() / int64(period))
	sum := uint64(0)
	for _, n := range r.counts {
		sum += n
	}
	return sum
}
