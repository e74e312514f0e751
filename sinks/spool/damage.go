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

	"github.com/prometheus/prometheus/tsdb/wlog"
	"go.uber.org/zap"
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
	if d.cause == nil || errors.Is(cause, errNewer) {
		d.cause = cause
	}
}

// reportLost reports events that cannot be read, if there are any, and keeps what
// is left of their segments. Damage without a loss is what a failed commit leaves,
// or lies in the padding. Without a checkpoint it is not known how many events were
// in the log before the first that can be read.
func (s *Spool) reportLost(lost span, segment int, d damage, known bool) {
	s.mu.Lock()
	events := lost.last - lost.after - s.failed.within(lost)
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
	name := wlog.SegmentName(dir, segment)
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(dir, DamagedFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	base := filepath.Join(folder, filepath.Base(name))
	target := base
	for n := 2; ; n++ {
		there, err := os.Stat(target)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil || os.SameFile(there, info) {
			return target, err
		}
		target = fmt.Sprintf("%s-%d", base, n)
	}
	if os.Link(name, target) != nil {
		if err := copyFile(name, target); err != nil {
			return target, err
		}
	}
	return target, syncDir(folder)
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
