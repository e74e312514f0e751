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
	segments := s.log.Segments()
	if tight := s.trouble.tight(); tight && (s.drained() || holding(segments, s.acked) > segments[0].Number) ||
		s.acked-s.saved >= checkpointEvents {
		signal(s.kick)
	}
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

// checkpoint writes where reading is to go on after a restart, and lets go of the segments
// that are not needed for that. It is not called twice at a time.
func (s *Spool) checkpoint() error {
	s.mu.Lock()
	acked, saved, keep := s.acked, s.saved, holding(s.log.Segments(), s.acked)
	sync, failing := s.limits.sync != SyncOff, s.trouble.failing != nil
	s.mu.Unlock()
	var err error
	if acked != saved {
		err = writeCheckpoint(s.dir, acked, sync)
	}
	mayBeUsedAgain := func(segment int) bool { return !isPreserved(s.dir, segment) }
	if failing {
		mayBeUsedAgain = nil // the disk may be full
	}
	freed, notFreed := s.log.Release(keep, mayBeUsedAgain)
	if err != nil {
		err = writeCheckpoint(s.dir, acked, sync) // there may be room for it now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if freed {
		s.trouble.notify()
	}
	if err != nil {
		return fmt.Errorf("writing the checkpoint: %w", err)
	}
	s.saved = acked
	return notFreed
}
