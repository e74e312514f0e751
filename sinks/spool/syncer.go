// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
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

// syncDirty syncs what was written. Nobody waits for it but a turn of the segment.
func (s *Spool) syncDirty() {
	if !s.dirty.Swap(false) {
		return
	}
	err := s.log.Sync()
	if err != nil {
		s.suspect.Store(true)
	}
	s.failOn(err)
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
	all := s.log.Segments()
	for _, segment := range all[:len(all)-1] {
		if err := syncSegment(s.dir, segment); err != nil {
			return err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err := errors.Join(s.log.Sync(), wal.SyncDir(s.dir))
	if err != nil {
		s.suspect.Store(true)
	}
	return err
}

// syncSegment syncs a segment that is not written any more, if it is still needed.
func syncSegment(dir string, segment int) error {
	file, err := os.OpenFile(wal.Name(dir, segment), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
