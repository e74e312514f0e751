// SPDX-License-Identifier: Apache-2.0

package spool

import "time"

const (
	// blockSize is what file systems commonly read at once, and what a bad sector makes
	// unreadable.
	blockSize = 4 << 10

	// leastTries is how often a block has to be tried before it is given up, however
	// long it takes.
	leastTries = 5
)

// badBlocks are the blocks of a segment that the disk cannot read.
type badBlocks struct {
	segment int
	blocks  map[int64]*badBlock // by where they begin
}

type badBlock struct {
	first int64 // the first in it that could not be read
	since time.Time
	tries int  // none of them went well
	lost  bool // it is given up
}

// failed notes that a byte of a block could not be read.
func (b *badBlocks) failed(at, first int64, now time.Time) {
	block := b.blocks[at]
	if block == nil {
		if b.blocks == nil {
			b.blocks = make(map[int64]*badBlock)
		}
		block = &badBlock{since: now}
		b.blocks[at] = block
	}
	block.first = first
	block.tries++
}

// worked notes that so many bytes could be read. What is given up stays so, because
// what follows it may have been handed out.
func (b *badBlocks) worked(from int64, n int) {
	for at, block := range b.blocks {
		if from <= block.first && block.first < from+int64(n) && !block.lost {
			delete(b.blocks, at)
		}
	}
}

// overdue tells whether a block has been tried for long enough.
func (b *badBlock) overdue(patience time.Duration, now time.Time) bool {
	return b.tries >= leastTries && now.Sub(b.since) >= patience
}

// count counts the bad blocks that a read from within a page may have met: those that
// are overdue, and those that are given up.
func (b *badBlocks) count(page int64, patience time.Duration, now time.Time) (overdue, lost int) {
	for at, block := range b.blocks {
		switch {
		case at < page || at >= page+2*pageSize:
		case block.lost:
			lost++
		case block.overdue(patience, now):
			overdue++
		}
	}
	return overdue, lost
}

// giveUp gives up what is overdue, in the whole segment.
func (b *badBlocks) giveUp(patience time.Duration, now time.Time) {
	for _, block := range b.blocks {
		block.lost = block.lost || block.overdue(patience, now)
	}
}

// startAnew forgets since when blocks could not be read.
func (b *badBlocks) startAnew() {
	for at, block := range b.blocks {
		if !block.lost {
			delete(b.blocks, at)
		}
	}
}

func (b *badBlocks) isLost(at int64) bool {
	block := b.blocks[at]
	return block != nil && block.lost
}
