// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// readPatience is how long a place that the disk cannot read is tried again before it
// is given up, so that what lies behind it does not wait for ever.
const readPatience = time.Minute

// getsOver tells whether reading goes on in spite of an error: where the disk has not
// been able to read a place for long, though it works otherwise. From then on the place
// is damage for the scanner, which is the only one that can go on.
func (r *reader) getsOver(err error) bool {
	if r.file == nil || !isUnreadable(err) {
		return false
	}
	page := r.file.failed - r.file.failed%pageSize
	if r.file.survey(page) != nil {
		return false
	}
	now, patience := time.Now(), r.spool.tuning.readPatience
	overdue, lost := r.bad.count(page, patience, now)
	switch {
	case overdue == 0:
		return lost > 0 && r.scan == nil
	case r.spool.diskWorks() != nil:
		// It is not the place, then.
		r.bad.startAnew()
		return false
	}
	r.bad.giveUp(patience, now)
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
