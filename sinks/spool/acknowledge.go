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
	if tight := s.trouble.tight(); tight && holding(s.log.Segments(), s.acked) > 0 || s.acked-s.saved >= checkpointEvents {
		signal(s.kick)
	}
	if s.drained() {
		s.trouble.eased()
	}
}

// holding is the index of the segment that holds the event after the one with a sequence.
func holding(segments []wal.Segment, sequence uint64) int {
	for i, segment := range slices.Backward(segments) {
		if segment.After <= sequence {
			return i
		}
	}
	return 0
}

func (s *Spool) drained() bool { return s.acked >= s.committed }

// checkpoint writes where reading is to go on after a restart, and lets go of the segments
// that are not needed for that. It is not called twice at a time.
func (s *Spool) checkpoint() error {
	s.mu.Lock()
	segments := s.log.Segments()
	acked, saved, keep := s.acked, s.saved, segments[holding(segments, s.acked)].Number
	sync := s.limits.sync != SyncOff
	s.mu.Unlock()
	var err error
	if acked != saved {
		err = checkpoint{Acked: acked}.write(s.dir, sync)
	}
	freed, notFreed := s.log.Release(keep, s.mayBeUsedAgain)
	s.mu.Lock()
	defer s.mu.Unlock()
	if freed {
		s.trouble.eased()
	}
	if err != nil {
		return fmt.Errorf("writing the checkpoint: %w", err)
	}
	s.saved = acked
	return notFreed
}
