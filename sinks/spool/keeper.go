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
)

// keeper writes checkpoints and removes the segments before them.
type keeper struct {
	*Spool
	failing bool // a checkpoint could not be written
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
		k.note(k.checkpoint())
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
	k.writing.Lock()
	defer k.writing.Unlock()
	segment, _ := k.log.End()
	name := segment.Name(k.dir)
	// A file in the place of the directory is another error.
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return
	}
	news := k.gone != segment.Number
	if news {
		k.logger().Error("somebody has removed a file of the spool while it is in use; stop that: "+
			"events that were only in there are lost", zap.String("file", name))
	}
	k.gone = segment.Number
	k.suspect.Store(true)
	err := k.restoreDir()
	if err == nil && news {
		err = k.turn() // the next event tries again
	}
	k.failOn(err)
}

// probe finds out whether the disk of a failing spool takes files again.
func (k *keeper) probe() {
	k.mu.Lock()
	ails := k.trouble.failing != nil && !k.trouble.mended
	k.mu.Unlock()
	if !ails {
		return
	}
	k.writing.Lock()
	err := k.tuning.probe(k.dir)
	k.writing.Unlock()
	k.mu.Lock()
	k.trouble.probed(err)
	k.mu.Unlock()
}

// restoreDir creates the directory again if it was removed, and with it the lock.
func (s *Spool) restoreDir() error {
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(s.dir); err != nil {
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
