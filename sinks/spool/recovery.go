// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"go.uber.org/zap"
)

// maxTorn is the most that is cut off the end of the log. A crash leaves no more
// than one commit there; what is larger is left to the reader, which keeps a copy.
const maxTorn = 2 * maxGroupBytes

// logEnd is where the log ends.
type logEnd struct {
	last Position // of the last event in it
	torn int64    // bytes that were cut off
}

// findEnd returns the last event of the newest segment that has one, after cutting
// off what follows the last whole record of the last segment.
func findEnd(dir string, segments []int) (logEnd, error) {
	var end logEnd
	for i, segment := range slices.Backward(segments) {
		tail, err := scanTail(dir, segment)
		if err != nil {
			return end, err
		}
		if i == len(segments)-1 && tail.torn > 0 && tail.torn <= maxTorn {
			if err := os.Truncate(wlog.SegmentName(dir, segment), tail.whole); err != nil {
				return end, err
			}
			end.torn = tail.torn
		}
		if tail.last > 0 {
			end.last = Position{Segment: segment, Sequence: tail.last}
			return end, nil
		}
	}
	return end, nil
}

// catchUp returns where reading is to go on, and whether the checkpoint is too old to
// tell: to free a full disk, segments are removed even if the checkpoint that lets them
// go cannot be written.
func (s *Spool) catchUp(checkpoint Position, ok bool, segments []int) (from Position, outdated bool, err error) {
	if !ok || len(segments) == 0 || segments[0] <= checkpoint.Segment {
		return checkpoint, false, nil
	}
	first, damaged, err := firstRecord(s.dir, segments)
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
func firstRecord(dir string, segments []int) (rec record, damaged bool, err error) {
	for _, segment := range segments {
		rec, harmed, err := firstOf(wlog.SegmentName(dir, segment))
		damaged = damaged || harmed
		if err != nil || rec.count > 0 {
			return rec, damaged, err
		}
	}
	return record{}, damaged, nil
}

func firstOf(name string) (rec record, damaged bool, err error) {
	file, err := os.Open(name)
	if err != nil {
		return record{}, false, err
	}
	defer func() { _ = file.Close() }()
	scan := newScanner(file, 0)
	for {
		data, err := scan.next()
		damaged = damaged || scan.damaged
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

// segmentTail is what the end of a segment looks like.
type segmentTail struct {
	last  uint64 // the last sequence; zero if there is no whole record
	whole int64  // the end of the last whole record
	torn  int64  // bytes after it that are no padding
}

func scanTail(dir string, segment int) (segmentTail, error) {
	name := wlog.SegmentName(dir, segment)
	file, err := os.Open(name)
	if err != nil {
		return segmentTail{}, err
	}
	defer func() { _ = file.Close() }()
	var tail segmentTail
	scan := newScanner(file, 0)
	for {
		data, err := scan.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return tail, err
		}
		rec, err := decodeRecord(data)
		switch {
		case err == nil:
			tail.last = max(tail.last, rec.last())
		case errors.Is(err, errNewer):
			return tail, fmt.Errorf("%s has %w: start that release again, or move the spool's directory "+
				"elsewhere to begin with an empty one", name, err)
		}
	}
	tail.whole = scan.whole
	tail.torn, err = tornBytes(file, scan.whole)
	return tail, err
}

// tornBytes is how much follows the last whole record. The zeros that fill a page
// do not count.
func tornBytes(file *os.File, whole int64) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	torn := info.Size() - whole
	if torn <= 0 || torn > maxTorn {
		return max(torn, 0), nil
	}
	rest := make([]byte, torn)
	if _, err := file.ReadAt(rest, whole); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if isPageEnd(rest) {
		return 0, nil
	}
	return torn, nil
}
