// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// errDamaged tells that something in a segment is not what was written.
var errDamaged = errors.New("the segment is damaged")

const lineLost = "events in the spool cannot be read and are lost; check the disk"

// gap is the events after one up to another that cannot be read. They are acknowledged
// with those before.
type gap struct{ after, last uint64 }

func (g gap) over(acknowledged uint64) uint64 {
	if acknowledged < g.after {
		return acknowledged
	}
	return max(acknowledged, g.last)
}

// lose gives up the events up to a sequence that were not read, if there are any, reports
// them and keeps what is left of their segment. Damage without a loss is what a failed
// commit leaves, or lies where nothing was written.
func (r *reader) lose(last uint64) {
	s, read := r.spool, r.spool.read.Load()
	if last <= read {
		return
	}
	events, fields := between(read, last), []zap.Field(nil)
	if events > 0 { // before anything is acknowledged, and they may be released
		s.retire(r.here.segment) // its copy is not to change any more
		fields = append(s.preserve(r.here.segment), zap.Error(cmp.Or(r.cause, errDamaged)), zap.Uint64("events_lost", events))
	}
	s.mu.Lock()
	if s.unread.last != read {
		s.unread.after = read
	}
	s.unread.last = last
	s.acked = s.unread.over(s.acked)
	s.read.Store(last)
	s.mu.Unlock()
	if events > 0 {
		s.lost(events)
		s.logger().Error(lineLost, fields...)
	}
}

// preserve keeps a segment from being removed with the others, and returns what is to be
// logged about it.
func (s *Spool) preserve(segment wal.Segment) []zap.Field {
	s.preserved.Store(segment.Number, true)
	copied := segment.Name(filepath.Join(s.dir, DamagedFolder))
	fields := []zap.Field{zap.String("dir", s.dir), zap.Int("segment", segment.Number)}
	switch err := keep(os.Link, segment.Name(s.dir), copied); {
	case errors.Is(err, fs.ErrNotExist): // somebody has removed it
		return fields
	case err != nil:
		return append(fields, zap.NamedError("copy_error", err))
	}
	return append(fields, zap.String("copy", copied))
}

// keep gives a file another name, or copies it where there can be only one.
func keep(link func(name, other string) error, name, copied string) error {
	if _, err := os.Stat(name); err != nil {
		return err
	}
	dir, part := filepath.Dir(copied), copied+".part"
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := link(name, copied); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		content, err := os.ReadFile(name)
		if err == nil {
			err = writeFile(part, content, true)
		}
		if err == nil {
			err = os.Rename(part, copied)
		}
		if err != nil {
			return errors.Join(err, wal.RemoveIfThere(part))
		}
	}
	return wal.SyncDir(dir)
}

// mayBeUsedAgain tells whether the file of a segment may be written over. An earlier run
// may have preserved one.
func (s *Spool) mayBeUsedAgain(segment int) bool {
	_, there := s.preserved.Load(segment)
	return segment > s.inherited && !there
}
