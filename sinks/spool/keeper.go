// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
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
		select {
		case <-ticker.C:
			k.guard()
			k.probe()
		case <-k.kick:
		case <-k.closing:
			return
		}
		k.turnDrained()
		k.report(k.checkpoint())
	}
}

func (k *keeper) report(err error) {
	switch {
	case err != nil && !k.failing:
		k.zap().Error("the spool cannot write its checkpoint or remove old segments; check the disk's "+
			"free space and permissions: after a restart events will be sent again", zap.String("dir", k.dir), zap.Error(err))
		k.changed(Change{Trouble: TroubleCheckpoint, Err: err})
	case err == nil && k.failing:
		k.zap().Info("the spool writes its checkpoint and removes old segments again", zap.String("dir", k.dir))
		k.changed(Change{Trouble: TroubleCheckpoint, Over: true})
	}
	k.failing = err != nil
}

// turnDrained begins a segment when all events are acknowledged, so that a spool
// whose current segment takes all its room gets it back.
func (s *Spool) turnDrained() {
	if s.wantsDrain() {
		s.failOn(s.drain())
	}
}

func (s *Spool) drain() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.wantsDrain() {
		return nil
	}
	s.mu.Lock()
	segment, failing := s.usage.segment(), s.trouble.failing != nil
	s.mu.Unlock()
	if failing {
		// On a full disk there is no room for the end of its page either, nor for a
		// checkpoint. Nobody needs what is in it.
		s.suspect.Store(true)
		_ = os.Truncate(wlog.SegmentName(s.dir, segment), 0)
	}
	return s.turn()
}

func (s *Spool) wantsDrain() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.usage.current >= s.limits.segmentSize
	return s.drained() && s.usage.current > 0 && (full || s.trouble.tight() || s.trouble.failing != nil)
}

// failOn notes and reports that the spool fails, if there is an error.
func (s *Spool) failOn(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	begins := s.trouble.fail(err, time.Now())
	s.mu.Unlock()
	if begins {
		s.reportFailing(err)
	}
}

// guard begins a segment when somebody has removed the current one: what is
// written to it would be lost at the end of the process.
func (k *keeper) guard() {
	k.mu.Lock()
	segment := k.usage.segment()
	k.mu.Unlock()
	name := wlog.SegmentName(k.dir, segment)
	// A file in the place of the directory is another error.
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		k.missing = false
		return
	}
	turned, err := k.replace(segment)
	if turned {
		return
	}
	if !k.missing {
		k.zap().Error("somebody has removed a file of the spool while it is in use; stop that: "+
			"events that were only in there are lost", zap.String("file", name))
	}
	k.missing = true
	k.failOn(err)
}

// replace begins a segment after one that is gone, unless somebody has already.
func (s *Spool) replace(segment int) (turned bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	turned = s.usage.segment() != segment
	s.mu.Unlock()
	if turned {
		return true, nil
	}
	if err := s.restoreDir(); err != nil {
		return false, err
	}
	return false, s.turn()
}

// probe finds out whether the disk of a failing spool takes files again, for those who
// ask before they send events: only an event shows that the spool works again.
func (k *keeper) probe() {
	if !k.ails() {
		return
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if !k.ails() || Probe(k.dir) != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trouble.mended = true
}

// ails tells whether the spool fails, as far as is known.
func (k *keeper) ails() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trouble.failing != nil && !k.trouble.mended
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
