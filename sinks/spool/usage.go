// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"os"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

const (
	pageSize       = 32 << 10 // of the write-ahead log
	fragmentHeader = 7        // before each piece of a record
)

// usage knows how large the files of the log are. Finished segments are looked at
// once. The current one is estimated from what was written to it, which Snappy
// makes smaller, and looked at when the estimate is about to matter.
type usage struct {
	dir      string
	first    int     // the oldest segment
	finished []int64 // the sizes of the segments from the first up to the current
	total    int64   // of the finished ones
	current  int64   // at most this
	exact    bool    // current is the file's size
}

// segment is the number of the current segment.
func (u *usage) segment() int {
	return u.first + len(u.finished)
}

func (u *usage) bytes() int64 {
	return u.total + u.current
}

// wrote counts a record of the given size.
func (u *usage) wrote(size int) {
	u.current += int64(size) + fragmentHeader*int64(size/(pageSize-fragmentHeader)+2)
	u.exact = false
}

// refresh looks at the current segment unless nothing was written since.
func (u *usage) refresh() {
	if u.exact {
		return
	}
	if size, ok := fileSize(u.dir, u.segment()); ok {
		u.current = size
		u.exact = true
	}
}

// turned counts segments as finished, from the current one on: the next is empty.
func (u *usage) turned(sizes []int64) {
	for _, size := range sizes {
		u.finished = append(u.finished, size)
		u.total += size
	}
	u.current, u.exact = 0, true
}

// sizesOf returns the sizes of the segments from one up to another.
func sizesOf(dir string, from, to int) []int64 {
	sizes := make([]int64, 0, max(to-from, 0))
	for segment := from; segment < to; segment++ {
		size, _ := fileSize(dir, segment)
		sizes = append(sizes, size)
	}
	return sizes
}

// dropped forgets the oldest segment.
func (u *usage) dropped() {
	u.total -= u.finished[0]
	u.finished = u.finished[1:]
	u.first++
}

func fileSize(dir string, segment int) (int64, bool) {
	info, err := os.Stat(wlog.SegmentName(dir, segment))
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}
