// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"go.uber.org/zap"
)

// glanceTime bounds how long opening a spool takes longer because of what cannot be
// read. A single place is passed over, however long it takes.
const glanceTime = 10 * time.Second

// glance reads segments to find out where the log begins and ends. What the disk
// cannot read is passed over, so that it does not keep the spool from being opened.
// Nothing is given up by that: the reader tries it again.
type glance struct {
	dir    string
	open   func(name string) (segmentFile, error)
	unread error     // why something could not be read
	since  time.Time // when that was met
}

// glancedFile is a segment that a glance reads.
type glancedFile struct {
	segmentFile
	glance   *glance
	unreadTo int64 // the end of the last part that could not be read
}

func (g *glance) look(segment int) (*glancedFile, error) {
	file, err := g.open(wlog.SegmentName(g.dir, segment))
	if err != nil {
		return nil, err
	}
	return &glancedFile{segmentFile: file, glance: g}, nil
}

// readPage blots out the part of a page behind what cannot be read.
func (f *glancedFile) readPage(page []byte, at int64) (n int, unread, err error) {
	began := time.Now()
	n, err = f.ReadAt(page, at)
	if !isUnreadable(err) || !f.glance.passes(err, began) {
		return n, nil, err
	}
	size, statErr := pageLength(f, at)
	if statErr != nil {
		return 0, nil, statErr
	}
	blot(page[n:size])
	f.unreadTo = at + int64(size)
	return size, err, nil
}

// passes tells whether to go on after an error of a read that began then.
func (g *glance) passes(err error, began time.Time) bool {
	if g.unread == nil {
		g.unread, g.since = err, began
		return true
	}
	return time.Since(g.since) < glanceTime
}

// reportUnread tells of what a glance could not read, if there was anything.
func (s *Spool) reportUnread(cause error) {
	if cause != nil {
		s.zap().Warn("a part of the spool cannot be read; check the disk: "+
			"it is tried again when its events are to be delivered", zap.String("dir", s.dir), zap.Error(cause))
	}
}
