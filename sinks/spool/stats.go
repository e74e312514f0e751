// SPDX-License-Identifier: Apache-2.0

package spool

import "time"

// Stats is the state of a spool.
type Stats struct {
	Events   uint64 // not acknowledged
	Bytes    int64  // of segments, but for what is free in the last
	Capacity int64
	Oldest   time.Time // about when the oldest event came; zero if there is none
	Full     bool      // the last events found no room, and there still is little
	Failing  error     // why the last events could not be written; nil if they were
	Mended   bool      // since they failed, the disk has taken a file
	Sync     time.Duration
}

// Stats is cheap enough for every scrape.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{
		Bytes:    s.used(),
		Capacity: s.limits.maxSize,
		Full:     s.trouble.full && !s.roomy() && !s.drained(),
		Failing:  s.trouble.failing,
		Mended:   s.trouble.mended,
		Sync:     s.limits.sync,
	}
	if s.drained() {
		return stats
	}
	stats.Events = between(s.acked, s.committed)
	stats.Oldest = time.Unix(0, s.queue.oldest(s.read.Load()))
	return stats
}

// used is how many bytes of the segments hold records or did.
func (s *Spool) used() int64 {
	taken, left := s.log.Usage()
	if s.suspect.Load() {
		return taken // nothing more is written to the last
	}
	return taken - left
}
