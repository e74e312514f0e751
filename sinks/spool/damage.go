// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

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
		fields = append(s.preserveAll([]int{r.here.segment}, link), zap.Error(cmp.Or(r.cause, wal.ErrDamaged)), zap.Uint64("events_lost", events))
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

// preserveAll keeps segments in one way or the other, and returns what is to be logged
// about them.
func (s *Spool) preserveAll(segments []int, keep func(name, copied string) error) []zap.Field {
	var copies []string
	var errs error
	for _, segment := range segments {
		copied, err := s.preserve(segment, keep)
		if err == nil {
			copies = append(copies, copied)
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = errors.Join(errs, err)
		}
	}
	return []zap.Field{
		zap.String("dir", s.dir), zap.Ints("segments", segments),
		zap.Strings("copies", copies), zap.NamedError("copy_error", errs),
	}
}

// preserve keeps a segment from being removed with the others.
func (s *Spool) preserve(segment int, keep func(name, copied string) error) (copied string, err error) {
	name, copied := wal.Name(s.dir, segment), wal.Name(filepath.Join(s.dir, DamagedFolder), segment)
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
		return "", err
	}
	s.preserved.Store(segment, true)
	if other, err := os.Lstat(copied); err == nil && os.SameFile(other, info) {
		return copied, nil
	} else if err == nil { // there was another of this number
		copied = fmt.Sprintf("%s-%d", copied, time.Now().UnixNano())
	}
	if err := keep(name, copied); err != nil {
		return "", err
	}
	return copied, wal.SyncDir(filepath.Dir(copied))
}

// link gives a file another name, or copies it where there can be only one.
func link(name, copied string) error {
	if os.Link(name, copied) == nil {
		return nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return writeFile(copied, content, true)
}

// mayBeUsedAgain tells whether the file of a segment may be written over. An earlier run
// may have preserved one.
func (s *Spool) mayBeUsedAgain(segment int) bool {
	_, there := s.preserved.Load(segment)
	return segment > s.inherited && !there
}
