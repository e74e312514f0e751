// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// every does something at each tick, until it is told to end.
func (s *Spool) every(tick *time.Ticker, end <-chan struct{}, do func()) {
	defer s.background.Done()
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-end:
			return
		}
	}
}

// syncEvery sets the interval at which what was written is synced, if there is one.
func (s *Spool) syncEvery(interval time.Duration) {
	if interval > 0 {
		s.syncTick.Reset(interval)
	} else {
		s.syncTick.Stop()
	}
}

// syncNow syncs what was written, for the interval. It is not an error again that the
// segment cannot be synced when that is known.
func (s *Spool) syncNow() {
	if err := s.log.Sync(); err != nil && !s.suspect.Swap(true) {
		s.failOn(err)
	}
}

// forceInTime forces what was written to the disk, and waits for that unless the disk
// does not answer.
func (s *Spool) forceInTime() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.background.Add(1)
	s.mu.Unlock()
	forced := make(chan struct{})
	go func() {
		defer s.background.Done()
		defer close(forced)
		s.failOn(s.syncAll())
	}()
	timer := time.NewTimer(s.tuning.stallAfter)
	defer timer.Stop()
	select {
	case <-forced:
	case <-timer.C:
		s.failOn(ErrStalled)
	}
}

// syncAll keeps nobody from writing while it syncs what is finished, which may be a lot.
// A segment that is finished meanwhile was synced by the turn.
func (s *Spool) syncAll() error {
	s.writing.Lock() // a turn may be under way that does not sync
	all, err := s.log.Segments(), wal.SyncDir(s.dir)
	s.writing.Unlock()
	for _, segment := range all[:len(all)-1] {
		err = errors.Join(err, wal.SyncSegment(s.dir, segment.Number))
	}
	err = errors.Join(err, s.log.Sync())
	if err != nil {
		s.suspect.Store(true)
	}
	return err
}
