// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
)

// readPatience is how long a place that the disk cannot read is tried again before it
// is given up, so that what lies behind it does not wait for ever.
const readPatience = time.Minute

// getsOver tells whether reading goes on in spite of an error: where the disk has not
// been able to read a place for long, though it works otherwise. From then on the place
// is damage.
func (r *reader) getsOver(err error) bool {
	if !badblock.IsUnreadable(err) || r.file == nil {
		return false
	}
	defer r.bad.FailedOnce()
	r.file.Survey(r.records.At() + 8*badblock.BlockSize)
	patience := r.spool.tuning.readPatience
	if !r.bad.Overdue(patience) {
		return false
	}
	if r.spool.diskWorks() != nil {
		// It is not the place, then.
		r.bad.StartAnew()
		return false
	}
	r.bad.GiveUp(patience)
	// What is written there from now on could not be read either.
	r.spool.retire(r.segment)
	return true
}

// diskWorks tells whether the disk is well but for what it cannot read.
func (s *Spool) diskWorks() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.tuning.probe(s.dir)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		// A full disk may get its room from what is waiting here.
		name := filepath.Join(s.dir, probeName)
		err = writeFile(name, nil, true)
		_ = os.Remove(name)
	}
	return err
}
