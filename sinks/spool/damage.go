// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/sequence"
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

// reportLost reports events that cannot be read, if there are any, and keeps what
// is left of their segments. Damage without a loss is what a failed commit leaves,
// or lies in the padding. Without a checkpoint it is not known how many events were
// in the log before the first that can be read.
func (s *Spool) reportLost(lost sequence.Span, segment int, d damage, known bool) {
	s.mu.Lock()
	events := lost.Last - lost.After - s.failed.Within(lost)
	s.mu.Unlock()
	if known && events == 0 || !known && len(d.segments) == 0 {
		return
	}
	if known {
		s.lost(events)
	}
	if len(d.segments) == 0 {
		d.segments = []int{segment}
	}
	fields := []zap.Field{zap.String("dir", s.dir), zap.Ints("segments", d.segments)}
	if known {
		fields = append(fields, zap.Uint64("events_lost", events))
	}
	if d.cause != nil {
		fields = append(fields, zap.Error(d.cause))
	}
	fields = append(fields, s.preserveAll(d.segments)...)
	s.zap().Error("events in the spool cannot be read and are lost; check the disk", fields...)
}

// preserveAll keeps segments, and returns what is to be logged about that.
func (s *Spool) preserveAll(segments []int) []zap.Field {
	var copies []string
	var errs error
	for _, segment := range segments {
		copied, err := preserve(s.dir, segment)
		switch {
		case err == nil:
			copies = append(copies, copied)
		case !errors.Is(err, fs.ErrNotExist):
			errs = errors.Join(errs, err)
		}
	}
	fields := []zap.Field{zap.Strings("copies", copies)}
	if errs != nil {
		fields = append(fields, zap.NamedError("copy_error", errs))
	}
	return fields
}

// preserve keeps a segment from being removed with the others.
func preserve(dir string, segment int) (string, error) {
	name := wal.Name(dir, segment)
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	target, there, err := preserved(dir, name, info)
	if err != nil || there {
		return target, err
	}
	if os.Link(name, target) != nil {
		if err := copyFile(name, target); err != nil {
			return target, err
		}
	}
	return target, wal.SyncDir(filepath.Dir(target))
}

// preserved returns the name under which a file is kept or may be, and whether it is.
func preserved(dir, name string, info fs.FileInfo) (target string, there bool, err error) {
	folder := filepath.Join(dir, DamagedFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", false, err
	}
	base := filepath.Join(folder, filepath.Base(name))
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
	if _, err := os.Stat(filepath.Join(dir, DamagedFolder)); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	name := wal.Name(dir, segment)
	info, err := os.Stat(name)
	if err != nil {
		return true
	}
	_, there, err := preserved(dir, name, info)
	return there || err != nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
