// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// keeper writes checkpoints and removes the segments before them.
type keeper struct {
	*Spool
	failing bool // a checkpoint could not be written
	missing bool // the current segment was removed by somebody else
}

func (k *keeper) run(interval time.Duration) {
	defer k.background.Done()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		kicked := false
		select {
		case <-ticker.C:
			k.guard()
			k.probe()
		case <-k.kick:
			kicked = true
		case <-k.closing:
			return
		}
		k.note(k.checkpoint())
		k.failOn(k.turnIf(func() bool { return k.wantsDrain(kicked) }))
		k.prepare()
	}
}

// note tells whether the checkpoint was written, if that is news.
func (k *keeper) note(err error) {
	if failing := err != nil; failing != k.failing {
		k.failing = failing
		k.report(Change{Trouble: TroubleCheckpoint, Over: !failing, Err: err})
	}
}

// prepare sees to it that the next turn finds a file, once there is use for it.
func (k *keeper) prepare() {
	k.mu.Lock()
	size, most, failing := k.limits.segmentSize, k.limits.maxSize, k.trouble.failing != nil
	k.mu.Unlock()
	if taken, left := k.log.Usage(); !failing && left < size/2 && taken+size <= most {
		_ = k.log.Prepare(size) // the turn reports it
	}
}

// wantsDrain tells whether to begin a segment because all events are acknowledged, so that
// a spool whose current segment takes all its room gets it back. On a disk that fails that
// is not tried before the next tick.
func (s *Spool) wantsDrain(kicked bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, at := s.log.End()
	if unused := at <= wal.SegmentOverhead/2; unused || !s.drained() {
		return false
	}
	if s.trouble.failing != nil {
		return !kicked
	}
	return s.trouble.tight()
}

// failOn notes and reports that the spool fails, if there is such an error.
func (s *Spool) failOn(err error) {
	if err == nil || errors.Is(err, ErrFull) {
		return
	}
	s.mu.Lock()
	s.trouble.fail(err)
	s.report(s.unlock()...)
}

// guard begins a segment when somebody has removed the current one: what is
// written to it would be lost at the end of the process.
func (k *keeper) guard() {
	segment, _ := k.log.End()
	name := wal.Name(k.dir, segment)
	// A file in the place of the directory is another error.
	_, err := os.Stat(name)
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		k.missing = false
		return
	}
	k.writing.Lock()
	current, _ := k.log.End()
	if current == segment {
		k.suspect.Store(true)
		if err = k.restoreDir(); err == nil {
			err = k.turn()
		}
	}
	k.writing.Unlock()
	if current != segment {
		return // somebody has begun another one in the meantime
	}
	if !k.missing {
		k.logger().Error("somebody has removed a file of the spool while it is in use; stop that: "+
			"events that were only in there are lost", zap.String("file", name))
	}
	k.missing = true
	k.failOn(err)
}

// probe finds out whether the disk of a failing spool takes files again, for those who
// ask before they send events: only an event shows that the spool works again.
func (k *keeper) probe() {
	k.mu.Lock()
	ails := k.trouble.failing != nil && !k.trouble.mended
	k.mu.Unlock()
	if !ails {
		return
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.tuning.probe(k.dir) == nil {
		k.mu.Lock()
		k.trouble.mended = true
		k.mu.Unlock()
	}
}

// restoreDir creates the directory again if it was removed, and with it the lock.
func (s *Spool) restoreDir() error {
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(s.dir, false); err != nil {
		return err
	}
	lock, err := dirlock.Lock(s.dir, lockName)
	if err != nil {
		return err
	}
	_ = s.lock.Close()
	s.lock = lock
	return nil
}
