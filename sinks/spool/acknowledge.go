// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"fmt"
	"slices"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// checkpointEvents is how many events are acknowledged before a checkpoint is written
// earlier than usual.
const checkpointEvents = 8192

// Acknowledge notes that every event up to and including the one with a sequence is
// dealt with.
func (s *Spool) Acknowledge(sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sequence = min(sequence, s.read.Load())
	if sequence <= s.acked {
		return
	}
	s.acked = s.unread.over(sequence)
	s.queue.acknowledge(s.acked)
	frees := s.trouble.tight() && s.oldestNeeded() > s.log.Segments()[0].Number
	if frees || s.trouble.tight() && s.drained() || s.acked-s.saved >= checkpointEvents {
		signal(s.kick)
	}
}

// oldestNeeded is the oldest segment that may hold an event that is not acknowledged.
func (s *Spool) oldestNeeded() int {
	if s.drained() {
		current, _ := s.log.End()
		return current
	}
	return holding(s.log.Segments(), s.acked)
}

// holding is the first segment that may hold an event after the one with a sequence.
func holding(segments []wal.Segment, sequence uint64) int {
	for _, segment := range slices.Backward(segments) {
		if segment.Known && segment.After <= sequence {
			return segment.Number
		}
	}
	return segments[0].Number
}

func (s *Spool) drained() bool { return s.acked >= s.committed }

// checkpoint writes where reading is to go on after a restart, and removes what is
// not needed for that. It is not called twice at a time.
func (s *Spool) checkpoint() error {
	s.mu.Lock()
	acked, saved, keep := s.acked, s.saved, s.oldestNeeded()
	sync := s.limits.sync != SyncOff
	s.mu.Unlock()
	var err error
	if acked != saved {
		err = writeCheckpoint(s.dir, acked, sync)
	}
	removeErr := s.removeBefore(keep)
	if err != nil {
		// Without the segments there may be room for it.
		err = writeCheckpoint(s.dir, acked, sync)
	}
	if err != nil {
		return fmt.Errorf("writing the checkpoint: %w", err)
	}
	s.mu.Lock()
	s.saved = acked
	s.mu.Unlock()
	return removeErr
}

// removeBefore lets go of the segments before one.
func (s *Spool) removeBefore(keep int) error {
	mayBeUsedAgain := func(segment int) bool { return !isPreserved(s.dir, segment) }
	s.mu.Lock()
	if s.trouble.failing != nil {
		mayBeUsedAgain = nil // the disk may be full
	}
	s.mu.Unlock()
	freed, err := s.log.Release(keep, mayBeUsedAgain)
	if freed {
		s.mu.Lock()
		s.trouble.notify()
		s.mu.Unlock()
	}
	return err
}
