// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"slices"
	"time"
)

const (
	// readPatience is how long a block that the disk cannot read is tried again before it
	// is given up, so that what lies behind it does not wait for ever.
	readPatience = time.Minute
	// leastTries is how often, however long that takes.
	leastTries = 5
	// surveyTime bounds how long it is looked for more that cannot be read.
	surveyTime = time.Second
)

// badBlocks are those of a segment that the disk cannot read, by where they begin.
type badBlocks struct {
	segment int
	lost    []int64 // that are given up
	failing []int64 // others, which could not be read at any of the tries
	since   time.Time
	tries   int
}

// giveUp gives up what could not be read for long, though the disk works otherwise.
func (b *badBlocks) giveUp(segment int, t *tuning, diskWorks func() bool) {
	switch {
	case b.segment != segment:
		*b = badBlocks{segment: segment}
	case b.tries < leastTries-1 || t.now().Sub(b.since) < t.readPatience: // the next try is the last
	case diskWorks():
		*b = badBlocks{segment: segment, lost: append(b.lost, b.failing...)}
	default:
		*b = badBlocks{segment: segment, lost: b.lost}
	}
}

// others are the blocks that are not given up.
func (b *badBlocks) others(failed []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(failed), func(at int64) bool { return slices.Contains(b.lost, at) })
}

// meet notes which blocks could not be read, and tells whether any of them is not given up.
func (b *badBlocks) meet(failed []int64, now time.Time) bool {
	failed = b.others(failed)
	both := slices.DeleteFunc(slices.Clone(failed), func(at int64) bool { return !slices.Contains(b.failing, at) })
	if b.failing = both; len(both) == 0 {
		b.failing, b.since, b.tries = failed, now, 0
	}
	b.tries++
	return len(failed) > 0
}
