// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"time"
)

// Stats is the state of a spool.
type Stats struct {
	Events   uint64 // not acknowledged; after a restart also those of failed commits
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
	_, used, _ := s.log.Usage()
	stats := Stats{
		Bytes:    used,
		Capacity: s.limits.maxSize,
		Full:     s.trouble.full && !s.roomy(),
		Failing:  s.trouble.failing,
		Mended:   s.trouble.failing != nil && s.trouble.mended,
		Sync:     s.limits.sync,
	}
	if s.drained() {
		return stats
	}
	waiting := span{after: s.acked.Sequence, last: s.committed.Sequence}
	stats.Events = waiting.last - waiting.after - s.failed.within(waiting)
	stats.Oldest = time.Unix(0, s.queue.oldest(s.read.Load()))
	return stats
}
