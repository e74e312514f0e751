// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// damage is what was met while reading, until it is known what it has cost.
type damage struct {
	segments []int
	cause    error
}

func (d *damage) add(segment int, cause error) {
	if !slices.Contains(d.segments, segment) {
		d.segments = append(d.segments, segment)
	}
	if d.cause == nil || errors.Is(cause, wal.ErrNewer) {
		d.cause = cause
	}
}

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
// them and keeps what is left of their segments. Damage without a loss is what a failed
// commit leaves, or lies where nothing was written. Without a checkpoint it is not known
// how many events were in what lies before the first that can be read.
func (r *reader) lose(last uint64) {
	s, d, exact, read := r.spool, r.damage, r.exact, r.spool.read.Load()
	r.damage, r.exact = damage{}, true
	if last <= read {
		return
	}
	events, fields := between(read, last), []zap.Field(nil)
	report := events > 0 && (exact || len(d.segments) > 0)
	if report {
		if len(d.segments) == 0 {
			d.add(r.segment, cmp.Or(r.unread, wal.ErrDamaged))
		}
		// Before anything is acknowledged, and they may be released.
		fields = append(s.preserveAll(d.segments), zap.Error(d.cause))
	}
	s.mu.Lock()
	if s.unread.last != read {
		s.unread.after = read
	}
	s.unread.last = last
	s.acked = s.unread.over(s.acked)
	s.read.Store(last)
	s.mu.Unlock()
	if !report {
		return
	}
	if exact {
		s.lost(events)
		fields = append(fields, zap.Uint64("events_lost", events))
	}
	s.logger().Error("events in the spool cannot be read and are lost; check the disk", fields...)
}

// preserveAll keeps segments, and returns what is to be logged about them.
func (s *Spool) preserveAll(segments []int) []zap.Field {
	var copies []string
	var errs error
	for _, segment := range segments {
		copied, err := preserve(s.dir, segment)
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
func preserve(dir string, segment int) (target string, err error) {
	target, there, err := preserved(dir, segment)
	if err != nil || there {
		return target, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return target, err
	}
	name := wal.Name(dir, segment)
	if os.Link(name, target) != nil {
		content, err := os.ReadFile(name)
		if err != nil {
			return target, err
		}
		if err := writeFile(target, content, true); err != nil {
			return target, err
		}
	}
	return target, wal.SyncDir(filepath.Dir(target))
}

// preserved returns the name under which a segment is kept or may be, and whether it is.
func preserved(dir string, segment int) (target string, there bool, err error) {
	info, err := os.Stat(wal.Name(dir, segment))
	if err != nil {
		return "", false, err
	}
	base := wal.Name(filepath.Join(dir, DamagedFolder), segment)
	target = base
	for n := 2; ; n++ {
		other, err := os.Stat(target)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return target, false, nil
		case err != nil || os.SameFile(other, info):
			return target, true, err
		}
		target = fmt.Sprintf("%s-%d", base, n)
	}
}

// isPreserved tells whether what is in the file of a segment has to stay, because
// somebody may look into it.
func isPreserved(dir string, segment int) bool {
	_, there, err := preserved(dir, segment)
	return there || err != nil
}
