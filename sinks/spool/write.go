// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"os"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// write writes a record, if need be into a new segment: half a record may be left
// in the one that failed, and what a failed sync left in memory may never reach
// the disk. The caller holds writing.
func (s *Spool) write(sealed []byte) error {
	due := s.due()
	s.mu.Lock()
	failing := s.trouble.failing != nil
	mode := s.limits.sync
	s.mu.Unlock()
	if failing {
		// Each segment that is begun in vain stays until those before it are gone.
		if err := s.tuning.probe(s.dir); err != nil {
			return err
		}
	}
	if due || s.suspect.Load() {
		if err := s.turn(); err != nil {
			return err
		}
	}
	sync := mode == SyncAlways || failing && mode != SyncOff
	err := s.store(sealed, sync)
	if err == nil || failing {
		// An attempt to find out whether the spool works again costs one segment
		// at most.
		return err
	}
	if s.turn() != nil {
		return err
	}
	return s.store(sealed, sync)
}

// due tells whether the current segment has its size. The caller holds writing, and
// nobody else is kept from going on while the disk is asked.
func (s *Spool) due() bool {
	s.mu.Lock()
	segment, exact, full := s.usage.segment(), s.usage.exact, s.usage.current >= s.limits.segmentSize
	s.mu.Unlock()
	if !full || exact {
		return full
	}
	size, ok := fileSize(s.dir, segment)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok {
		s.usage.current, s.usage.exact = size, true
	}
	return s.usage.current >= s.limits.segmentSize
}

func (s *Spool) store(sealed []byte, sync bool) error {
	err := s.log.Log(sealed)
	if err == nil && sync {
		err = s.log.Sync()
	}
	if err != nil {
		s.suspect.Store(true)
		return err
	}
	s.dirty.Store(!sync)
	return nil
}

// turn begins a segment. The caller holds writing.
func (s *Spool) turn() error {
	s.mu.Lock()
	before := s.usage.segment()
	sync, interval := s.limits.sync != SyncOff, s.limits.sync > 0
	s.mu.Unlock()
	var unsynced error
	if interval && s.holds && !s.suspect.Load() {
		// The log does this too, but would not tell.
		unsynced = s.log.Sync()
	}
	segment, err := s.log.NextSegment()
	if err != nil {
		return errors.Join(unsynced, err)
	}
	sizes := sizesOf(s.dir, before, segment)
	if !s.holds {
		// Only attempts that failed are in there.
		_ = os.Truncate(wlog.SegmentName(s.dir, before), 0)
	}
	s.mu.Lock()
	s.usage.turned(sizes)
	s.mu.Unlock()
	s.holds = false
	s.suspect.Store(false)
	if !sync {
		return nil
	}
	if err := syncDir(s.dir); err != nil {
		s.suspect.Store(true)
		return errors.Join(unsynced, err)
	}
	return unsynced
}

// retire sees to it that a segment is not written any more, if another can be begun.
func (s *Spool) retire(segment int) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	current := s.usage.segment()
	s.mu.Unlock()
	if segment >= current {
		s.failOn(s.turn())
	}
}
