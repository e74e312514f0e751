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
		fields = append(s.preserve(r.here.segment), zap.Error(cmp.Or(r.cause, wal.ErrDamaged)), zap.Uint64("events_lost", events))
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
	copied := segment.Name(filepath.Join(s.dir, DamagedFolder))
	err := keep(segment.Name(s.dir), copied)
	return []zap.Field{
		zap.String("dir", s.dir), zap.Int("segment", segment.Number), zap.String("copy", copied), zap.NamedError("copy_error", err),
	}
}

// keep gives a file another name, or copies it where there can be only one.
func keep(name, copied string) error {
	dir := filepath.Dir(copied)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := os.Link(name, copied)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := writeFile(copied, content, true); err != nil {
			return err
		}
	}
	return wal.SyncDir(dir)
}

// mayBeUsedAgain tells whether the file of a segment may be written over.
func (s *Spool) mayBeUsedAgain(segment wal.Segment) bool {
	_, err := os.Lstat(segment.Name(filepath.Join(s.dir, DamagedFolder)))
	return errors.Is(err, fs.ErrNotExist)
}
