// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// segmentLog is what the spool needs of its log, which is a wal.Log but in tests.
type segmentLog interface {
	Append(sequence uint64, content []byte) error
	Sync() error
	Turn(size int64, after uint64, durable bool) error
	Restart(after uint64, durable bool) error
	Prepare(size int64) error
	Release(before int, mayBeUsedAgain func(number int) bool) (freed bool, err error)
	Close() error

	Segments() []wal.Segment
	End() (number int, at int64)
	Usage() (taken, left int64)
}

// write writes a record, if need be into a new segment: half a record may be left
// in the one that failed, and what a failed sync left in memory may never reach
// the disk. The caller holds writing.
func (s *Spool) write(first uint64, content []byte) error {
	s.mu.Lock()
	failing, mode := s.trouble.failing != nil, s.limits.sync
	s.mu.Unlock()
	if failing {
		if err := s.tuning.probe(s.dir); err != nil {
			return err
		}
	}
	if s.suspect.Load() {
		if err := s.turn(); err != nil {
			return err
		}
	}
	sync := mode == SyncAlways || failing && mode != SyncOff
	err := s.store(first, content, sync)
	if errors.Is(err, wal.ErrNoRoom) {
		if err := s.turn(); err != nil {
			return err
		}
		if err = s.store(first, content, sync); errors.Is(err, wal.ErrNoRoom) {
			return ErrFull // the segments have become smaller since its events were gathered
		}
	}
	if err == nil || failing {
		// An attempt to find out whether the spool works again costs one segment
		// at most.
		return err
	}
	if s.turn() != nil {
		return err
	}
	return s.store(first, content, sync)
}

func (s *Spool) store(first uint64, content []byte, sync bool) error {
	err := s.log.Append(first, content)
	if errors.Is(err, wal.ErrNoRoom) {
		return err
	}
	if err == nil && sync {
		err = s.log.Sync()
	}
	if err != nil {
		s.suspect.Store(true)
		return err
	}
	return nil
}

// turn begins a segment. The error is ErrFull if there may be no other. The caller holds
// writing.
func (s *Spool) turn() error {
	s.mu.Lock()
	limits, after, drained := s.limits, s.committed, s.drained()
	s.mu.Unlock()
	err := s.turnTo(limits, after, drained)
	switch {
	case err == nil:
		s.suspect.Store(false)
		s.mu.Lock()
		s.tried = 0 // void by now
		s.trouble.notify()
		s.mu.Unlock()
		signal(s.kick) // the keeper prepares the next, and lets go of what is not needed
	case !errors.Is(err, ErrFull):
		s.suspect.Store(true)
	}
	return err
}

func (s *Spool) turnTo(limits limits, after uint64, drained bool) error {
	durable := limits.sync != SyncOff
	if durable {
		s.failOn(s.log.Sync()) // it is not going to be better
	}
	all := s.log.Segments()
	taken, _ := s.log.Usage()
	drained = drained && len(all) == 1
	again := drained && !s.suspect.Load() && taken <= limits.maxSize && !isPreserved(s.dir, all[0].Number)
	err := ErrFull
	if taken+limits.segmentSize <= limits.maxSize || drained && !again {
		err = s.log.Turn(limits.segmentSize, after, durable) // the one that is drained goes at once
	}
	if err != nil && again {
		return s.log.Restart(after, durable)
	}
	return err
}

// turnIf begins a segment if that is wanted when nobody else writes.
func (s *Spool) turnIf(wanted func() bool) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.shut || !wanted() {
		return nil
	}
	return s.turn()
}

// retire sees to it that a segment is not written any more.
func (s *Spool) retire(segment int) {
	s.failOn(s.turnIf(func() bool {
		current, _ := s.log.End()
		if segment >= current {
			s.suspect.Store(true)
		}
		return segment >= current
	}))
}
