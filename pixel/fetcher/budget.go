// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"sync"
	"time"
)

// The list of crawlers takes a tenth of a millisecond or more for each user agent that
// nobody has seen before. A flood of made-up agents may buy that so often a second, a
// fortieth of a CPU, after so many at once.
const (
	asksPerSecond = 100
	asksAtOnce    = 2000
)

// budget is a bucket of tokens that fills by itself.
type budget struct {
	mu   sync.Mutex
	now  func() time.Time
	left float64
	at   time.Time
}

func newBudget() budget { return budget{now: time.Now, left: asksAtOnce, at: time.Now()} }

func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.left = min(asksAtOnce, b.left+asksPerSecond*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
