// SPDX-License-Identifier: Apache-2.0

package badblock

import (
	"maps"
	"time"
)

// LeastTries is how often a block has to be tried before it is given up, however long it
// takes.
const LeastTries = 5

// Blocks are those of a segment that the disk cannot read, by where they begin.
type Blocks map[int64]*badBlock

type badBlock struct {
	since time.Time
	tries int  // of which none went well
	lost  bool // it is given up
}

// Failed notes which blocks could not be read at an attempt, of all up to an offset.
func (b *Blocks) Failed(blocks []int64, surveyed int64, now time.Time) {
	before := *b
	*b = make(Blocks, len(blocks))
	for at, block := range before {
		if at >= surveyed {
			(*b)[at] = block
		}
	}
	for _, at := range blocks {
		block := before[at]
		if block == nil {
			block = &badBlock{since: now}
		}
		block.tries++
		(*b)[at] = block
	}
}

// Without tells whether a block is given up.
func (b Blocks) Without(at int64) bool {
	block := b[at]
	return block != nil && block.lost
}

// GiveUp gives up what was tried for long enough, and tells whether there is anything.
// If the disk has another trouble, nothing is given up, and the time begins anew.
func (b Blocks) GiveUp(patience time.Duration, now time.Time, diskWorks func() bool) bool {
	var overdue []*badBlock
	for _, block := range b {
		if !block.lost && block.tries >= LeastTries && now.Sub(block.since) >= patience {
			overdue = append(overdue, block)
		}
	}
	if len(overdue) == 0 {
		return false
	}
	if !diskWorks() {
		maps.DeleteFunc(b, func(_ int64, block *badBlock) bool { return !block.lost })
		return false
	}
	for _, block := range overdue {
		block.lost = true
	}
	return true
}
