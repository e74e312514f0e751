// SPDX-License-Identifier: Apache-2.0

package spool

import "time"

// Stats is the state of a spool.
type Stats struct {
	Events   uint64 // not acknowledged; after a restart also those of failed commits
	Bytes    int64  // on disk
	Capacity int64
	Oldest   time.Time // about when the oldest event came; zero if there is none
	Full     bool      // the last events found no room, and there still is little
	Failing  error     // why the last events could not be written; nil if they were
	Mended   bool      // since they failed, the disk has taken a file
	Sync     time.Duration
}

// Stats is cheap enough for every scrape.
func (s *Spool) Stats() Stats {
	stats, finished, current := s.stats()
	// The size of the segment that is written is known only to the disk, which may not
	// answer: nobody else waits for it here.
	if size, ok := fileSize(s.dir, current); ok {
		stats.Bytes = finished + size
	}
	return stats
}

// stats returns the stats with an estimate of the bytes; the bytes of finished segments,
// and the segment that is written.
func (s *Spool) stats() (stats Stats, finished int64, current int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	finished, current = s.usage.total, s.usage.segment()
	stats = Stats{
		Bytes:    s.usage.bytes(),
		Capacity: s.limits.maxSize,
		Full:     s.trouble.full && !s.roomy(),
		Failing:  s.trouble.failing,
		Mended:   s.trouble.failing != nil && s.trouble.mended,
		Sync:     s.limits.sync,
	}
	if s.drained() {
		return stats, finished, current
	}
	waiting := span{after: s.acked.Sequence, last: s.committed.Sequence}
	stats.Events = waiting.last - waiting.after - s.failed.within(waiting)
	stats.Oldest = time.Unix(0, s.oldest())
	return stats, finished, current
}

func (s *Spool) oldest() int64 {
	if at := s.ages.oldest(); at != 0 {
		return at
	}
	if at, ok := s.queue.follows(s.read); ok {
		return at
	}
	// The reader has not come to it: it is younger than what was read last.
	return s.ages.latest
}
