// SPDX-License-Identifier: Apache-2.0

package spool

import "fmt"

// checkpointEvents is how many events are acknowledged before a checkpoint is written
// earlier than usual.
const checkpointEvents = 8192

// Acknowledge notes that every event up to and including the one at a position is
// dealt with.
func (s *Spool) Acknowledge(p Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Sequence = min(p.Sequence, s.read.Load())
	if p.Sequence <= s.acked.Sequence {
		return
	}
	if s.unread.after <= p.Sequence {
		p.Sequence = max(p.Sequence, s.unread.last)
	}
	s.acked = Position{Segment: max(s.acked.Segment, p.Segment), Sequence: p.Sequence}
	s.queue.acknowledge(p.Sequence)
	s.failed.forget(p.Sequence)
	frees := s.trouble.tight() && (s.drained() || s.oldestNeeded() > s.log.Segments()[0])
	if frees || p.Sequence-s.saved.Sequence >= checkpointEvents {
		signal(s.kick)
	}
}

// oldestNeeded is the oldest segment that may hold an event that is not
// acknowledged.
func (s *Spool) oldestNeeded() int {
	current, _ := s.log.End()
	if s.drained() {
		return current
	}
	return min(s.acked.Segment, current)
}

func (s *Spool) drained() bool {
	return s.acked.Sequence >= s.committed.Sequence
}

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
	before, _, _ := s.log.Usage()
	err := s.log.Release(keep, mayBeUsedAgain)
	if after, _, _ := s.log.Usage(); after < before {
		s.mu.Lock()
		s.trouble.notify()
		s.mu.Unlock()
	}
	return err
}
