// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"slices"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
)

// Waiting returns about how many events a spool holds that nobody has open. The
// error is ErrHeld if somebody has. It changes nothing but the lock.
func Waiting(dir string) (events uint64, err error) {
	segments, err := listSegments(dir)
	if err != nil || len(segments) == 0 {
		return 0, err
	}
	lock, err := dirlock.Lock(dir, lockName)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	checkpoint, _, err := readCheckpoint(dir)
	if err != nil {
		return 0, err
	}
	g := &glance{dir: dir, open: openSegment}
	for _, segment := range slices.Backward(segments) {
		tail, err := g.scanTail(segment)
		if err != nil {
			return 0, err
		}
		if tail.last > 0 {
			return max(tail.last, checkpoint.Sequence) - checkpoint.Sequence, nil
		}
	}
	return 0, nil
}
