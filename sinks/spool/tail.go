// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// maxTorn is the most that is cut off the end of the log. A crash leaves no more
// than one commit there.
const maxTorn = 2 * maxGroupBytes

// segmentTail is what the end of a segment looks like.
type segmentTail struct {
	last  uint64 // the last sequence; zero if there is no whole record
	whole int64  // the end of the last whole record
	torn  int64  // bytes after it that are no padding
	// harmed is set if that is not merely the beginning of a record: then the disk, or
	// a power cut, has spoilt what may have been more than one.
	harmed bool
}

func (g *glance) scanTail(segment int) (segmentTail, error) {
	file, err := g.look(segment)
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
				"elsewhere to begin with an empty one", wlog.SegmentName(g.dir, segment), err)
		}
	}
	tail.whole = scan.whole
	if file.unreadTo > scan.whole {
		// Nobody knows which sequences are in there.
		return tail, g.unread
	}
	err = tail.measure(file)
	return tail, err
}

// measure looks at what follows the last whole record.
func (t *segmentTail) measure(file segmentFile) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	t.torn = max(info.Size()-t.whole, 0)
	if t.torn > maxTorn {
		t.harmed = true
		return nil
	}
	rest := make([]byte, t.torn)
	if _, err := file.ReadAt(rest, t.whole); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(rest) < pageSize && isPageEnd(rest) {
		t.torn = 0 // the zeros that fill a page
		return nil
	}
	t.harmed = !beginsRecord(rest, int(t.whole%pageSize))
	return nil
}

// beginsRecord tells whether a record begins at the offset in a page and ends early, for
// no other reason than that it was not written any further.
func beginsRecord(rest []byte, offset int) bool {
	for len(rest) > 0 {
		room := pageSize - offset
		if offset > 0 && isPageEnd(rest[:min(room, len(rest))]) {
			// The record did not fit in here.
			rest, offset = rest[min(room, len(rest)):], 0
			continue
		}
		if len(rest) < fragmentHeader {
			return true
		}
		size := fragmentHeader + int(binary.BigEndian.Uint16(rest[1:]))
		if kind := rest[0] & typeMask; kind == fragmentEnd || kind > fragmentLast || size > room {
			return false
		}
		if size > len(rest) {
			return true
		}
		if _, ok := checkFragment(rest[:size]); !ok {
			return false
		}
		rest, offset = rest[size:], (offset+size)%pageSize
	}
	return true
}
