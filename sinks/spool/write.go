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
	Discard() error
	Prepare(size int64) error
	Release(before int, mayBeUsedAgain func(number int) bool) (freed bool, err error)
	Close() error

	Segments() []wal.Segment
	End() (current wal.Segment, at int64)
	Usage() (taken, left int64)
}

// write writes a record, if need be into a new segment: half a record may be left
// in the one that failed, and what a failed sync left in memory may never reach
// the disk. The caller holds writing.
func (s *Spool) write(first uint64, content []byte) error {
	s.mu.Lock()
	failing, mode := s.trouble.failing != nil, s.limits.sync
	s.mu.Unlock()
	if s.unnamed && mode != SyncOff {
		if err := wal.SyncDir(s.dir); err != nil {
			return err
		}
		s.unnamed = false
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
	limits, after, drained, failing := s.limits, s.committed, s.drained(), s.trouble.failing != nil
	s.mu.Unlock()
	if limits.sync != SyncOff {
		if err := s.log.Sync(); !failing {
			s.failOn(err) // it is not going to be better
		}
	}
	err := s.turnTo(limits, after, drained)
	switch {
	case err == nil:
		s.suspect.Store(false)
		s.unnamed = s.unnamed || limits.sync == SyncOff
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
	segments, durable := s.log.Segments(), limits.sync != SyncOff
	current, taken := segments[len(segments)-1], int64(0)
	for _, segment := range segments {
		taken += segment.Size
	}
	unused := current.After == after // it holds nothing that was taken
	needless := unused || drained && len(segments) == 1
	if taken+limits.segmentSize > limits.maxSize && !needless {
		return ErrFull
	}
	if !unused {
		if err := s.log.Turn(limits.segmentSize, after, durable); err == nil || !needless {
			return err
		}
	}
	current, _ = s.log.End() // another, if its name could not be synced
	s.gone = current.Number
	err := s.log.Discard()
	if err == nil {
		err = s.log.Turn(limits.segmentSize, after, durable)
	}
	if err != nil && current.Size < limits.segmentSize {
		err = s.log.Turn(current.Size, after, durable) // there is no room for more
	}
	return err
}

// retire sees to it that a segment is not written any more.
func (s *Spool) retire(segment wal.Segment) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if current, _ := s.log.End(); segment == current && !s.shut {
		s.suspect.Store(true)
		s.failOn(s.turn())
	}
}
