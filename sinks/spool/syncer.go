// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// syncAtIntervals syncs what was written, if an interval is configured. Nobody
// waits for it but a turn of the segment.
func (s *Spool) syncAtIntervals() {
	defer s.background.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.mu.Lock()
		interval := s.limits.sync
		s.mu.Unlock()
		var tick <-chan time.Time
		if interval > 0 {
			timer.Reset(interval)
			tick = timer.C
		}
		select {
		case <-tick:
			s.syncDirty()
		case <-s.retime:
		case <-s.closing:
			return
		}
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
		s.failOn(s.syncAll()) // after an error the next event begins a segment
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
	err := s.log.Sync()
	if err == nil {
		err = wal.SyncDir(s.dir)
	}
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
