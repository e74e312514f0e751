// SPDX-License-Identifier: Apache-2.0

package badblock

import "time"

// LeastTries is how often a block has to be tried before it is given up, however long it
// takes.
const LeastTries = 5

// NewSet begins without any. The clock is for their patience.
func NewSet(segment int, now func() time.Time) *Set {
	return &Set{Segment: segment, now: now}
}

// Set holds the blocks of a segment that the disk cannot read.
type Set struct {
	now     func() time.Time
	Segment int
	attempt int                 // counts how often reading has failed
	blocks  map[int64]*badBlock // by where they begin
}

type badBlock struct {
	first int64 // the first byte that could not be read
	since time.Time
	tries int  // attempts, of which none went well
	last  int  // the last of them
	lost  bool // it is given up
}

// Failed notes that a block could not be read, and tells whether it is given up.
func (b *Set) Failed(at, first int64, _ error) bool {
	block := b.blocks[at]
	if block == nil {
		if b.blocks == nil {
			b.blocks = make(map[int64]*badBlock)
		}
		block = &badBlock{since: b.now(), last: -1}
		b.blocks[at] = block
	}
	block.first = first
	if block.last != b.attempt {
		block.tries++
	}
	block.last = b.attempt
	return block.lost
}

// Worked notes that so many bytes could be read. What is given up stays so, because
// what follows it may have been handed out.
func (b *Set) Worked(from int64, n int) {
	for at, block := range b.blocks {
		if from <= block.first && block.first < from+int64(n) && !block.lost {
			delete(b.blocks, at)
		}
	}
}

// Overdue tells whether some block has been tried for long enough.
func (b *Set) Overdue(patience time.Duration) bool {
	now := b.now()
	for _, block := range b.blocks {
		if block.overdue(patience, now) {
			return true
		}
	}
	return false
}

func (b *badBlock) overdue(patience time.Duration, now time.Time) bool {
	return !b.lost && b.tries >= LeastTries && now.Sub(b.since) >= patience
}

// GiveUp gives up what is overdue.
func (b *Set) GiveUp(patience time.Duration) {
	now := b.now()
	for _, block := range b.blocks {
		block.lost = block.lost || block.overdue(patience, now)
	}
}

// FailedOnce ends an attempt.
func (b *Set) FailedOnce() { b.attempt++ }

// StartAnew forgets since when blocks could not be read.
func (b *Set) StartAnew() {
	for at, block := range b.blocks {
		if !block.lost {
			delete(b.blocks, at)
		}
	}
}
