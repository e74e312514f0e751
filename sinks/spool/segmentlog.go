// SPDX-License-Identifier: Apache-2.0

package spool

// segmentLog is what the spool needs of a write-ahead log. Log and NextSegment
// are never called at the same time; Sync may be at any time.
type segmentLog interface {
	Log(record []byte) error
	Sync() error
	// NextSegment begins a segment and returns its number, which may be more
	// than one higher than that of the segment before.
	NextSegment() (int, error)
	Close() error
}
