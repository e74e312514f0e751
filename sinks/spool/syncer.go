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

// sync syncs what was written. Nobody waits for it but a turn of the segment.
func (s *Spool) sync() error {
	err := s.log.Sync()
	if err != nil {
		s.suspect.Store(true)
	}
	return err
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

// syncAll syncs what is finished, too, which may be a lot, and the names.
func (s *Spool) syncAll() error {
	return errors.Join(s.log.SyncFinished(), s.sync(), wal.SyncDir(s.dir))
}
