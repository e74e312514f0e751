// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"go.uber.org/zap"
)

// logEnd is where the log ends.
type logEnd struct {
	last   Position // of the last event in it
	torn   int64    // bytes that were cut off
	harmed []int    // segments after whose last event there is something that cannot be read
}

// findEnd returns the last event of the newest segment that has one, after cutting off
// a commit that a crash has interrupted. What else cannot be read is left where it is.
func (g *glance) findEnd(segments []int) (logEnd, error) {
	var end logEnd
	for i, segment := range slices.Backward(segments) {
		tail, err := g.scanTail(segment)
		if err != nil {
			return end, err
		}
		switch {
		case tail.harmed:
			end.harmed = append(end.harmed, segment)
		case i == len(segments)-1 && tail.torn > 0:
			if err := os.Truncate(wlog.SegmentName(g.dir, segment), tail.whole); err != nil {
				return end, err
			}
			end.torn = tail.torn
		}
		if tail.last > 0 {
			end.last = Position{Segment: segment, Sequence: tail.last}
			break
		}
	}
	slices.Reverse(end.harmed)
	return end, nil
}

// reportEnd reports what was found at the end of the log.
func (s *Spool) reportEnd(end logEnd) {
	if end.torn > 0 {
		s.zap().Warn("the spool ends in a commit that a crash has cut off; removed it",
			zap.String("dir", s.dir), zap.Int64("bytes", end.torn))
	}
	if len(end.harmed) == 0 {
		return
	}
	fields := append([]zap.Field{zap.String("dir", s.dir), zap.Ints("segments", end.harmed)}, s.preserveAll(end.harmed)...)
	s.zap().Error("the end of the spool cannot be read, and events may be lost with it; check the disk, "+
		"unless the power was cut and sync is not always", fields...)
}

// catchUp returns where reading is to go on, and whether the checkpoint is too old to
// tell: to free a full disk, segments are removed even if the checkpoint that lets them
// go cannot be written.
func (s *Spool) catchUp(g *glance, checkpoint Position, ok bool, segments []int) (from Position, outdated bool, err error) {
	if !ok || len(segments) == 0 || segments[0] <= checkpoint.Segment {
		return checkpoint, false, nil
	}
	first, damaged, err := g.firstRecord(segments)
	if err != nil || first.previous <= checkpoint.Sequence {
		return checkpoint, false, err
	}
	if damaged {
		// What is lost of the first segment cannot be told from what was removed.
		return checkpoint, true, nil
	}
	s.zap().Warn("the checkpoint of the spool is older than its files; events between them are gone: "+
		"they were acknowledged, unless somebody has removed files",
		zap.String("dir", s.dir), zap.Uint64("events", first.previous-checkpoint.Sequence),
		zap.Int("checkpoint_segment", checkpoint.Segment), zap.Int("first_segment", segments[0]))
	return Position{Segment: segments[0], Sequence: first.previous}, true, nil
}

// firstRecord returns the first record that can be read, and whether something before
// it cannot. Its count is zero if there is none.
func (g *glance) firstRecord(segments []int) (rec record, damaged bool, err error) {
	for _, segment := range segments {
		rec, harmed, err := g.firstOf(segment)
		damaged = damaged || harmed
		if err != nil || rec.count > 0 {
			return rec, damaged, err
		}
	}
	return record{}, damaged, nil
}

func (g *glance) firstOf(segment int) (rec record, damaged bool, err error) {
	file, err := g.look(segment)
	if err != nil {
		return record{}, false, err
	}
	defer func() { _ = file.Close() }()
	scan := newScanner(file, 0)
	for {
		data, err := scan.next()
		damaged = damaged || scan.damage != nil
		if errors.Is(err, io.EOF) {
			return record{}, damaged, nil
		}
		if err != nil {
			return record{}, damaged, err
		}
		if rec, err := decodeRecord(data); err == nil {
			return rec, damaged, nil
		}
		damaged = true
	}
}
