// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/prometheus/prometheus/tsdb/wlog"
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
