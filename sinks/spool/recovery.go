// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// glance reads segments to find out where the log ends. What the disk cannot read is
// passed over, so that it does not keep the spool from being opened. Nothing is given up by
// that: the reader tries it again.
type glance struct {
	dir    string
	open   func(name string) (badblock.File, error)
	memory []byte
	unread error // why something could not be read
}

// segmentEnd is what is at the end of a segment.
type segmentEnd struct {
	last    uint64 // the sequence of its last event, or of the last before; zero if unknown
	at      int64  // where its last record ends
	rest    wal.Rest
	damaged bool // something before that cannot be read
	unread  bool // nobody knows which sequences are in what the disk cannot read
}

// walk goes through the records of a segment that can be read.
func (g *glance) walk(segment int) (end segmentEnd, err error) {
	text, err := badblock.Read(wal.Name(g.dir, segment), g.open, 0, math.MaxInt64, g.memory, nil)
	if err != nil {
		return end, err
	}
	g.memory, g.unread = text.Bytes, cmp.Or(g.unread, text.Err)
	log, err := wal.NewReader(text.Bytes, segment)
	if errors.Is(err, wal.ErrDamaged) {
		return segmentEnd{damaged: true, rest: wal.Harmed, unread: text.Failed != nil}, nil
	}
	if err != nil {
		return end, err
	}
	end.last = log.Last()
	for {
		found, ok := log.Next()
		if !ok {
			break
		}
		rec, err := decodeRecord(found)
		if errors.Is(err, wal.ErrNewer) {
			return end, fmt.Errorf("%s has %w: start that release again, or move the spool's directory "+
				"elsewhere to begin with an empty one", wal.Name(g.dir, segment), err)
		}
		end.damaged = end.damaged || err != nil || rec.first != end.last+1
		if err == nil {
			end.last = rec.last()
		}
	}
	end.at, end.rest = log.At(), log.Rest()
	size := int64(len(text.Bytes))
	end.unread = text.Surveyed < size || slices.ContainsFunc(text.Failed, func(at int64) bool {
		return at+badblock.BlockSize > end.at && at < size-wal.SegmentOverhead/2
	})
	if end.unread {
		end.rest = wal.Harmed
	}
	return end, nil
}

// logEnd is where the log ends.
type logEnd struct {
	last   uint64 // the sequence of the last event
	goesOn bool   // the newest segment can be written from an offset on
	from   int64  // that offset
	torn   bool   // a record was cut off there
	unread bool   // nobody knows which sequences are in what cannot be read
	harmed []int  // segments after whose last event there is something that cannot be read
}

// findEnd finds the last event in the newest segment that tells. It is told what the last
// was when the spool was closed, or zero.
func (g *glance) findEnd(atClose uint64) (end logEnd, err error) {
	segments, err := wal.List(g.dir)
	if err != nil {
		return end, err
	}
	for i, segment := range slices.Backward(segments) {
		found, err := g.walk(segment)
		if err != nil {
			return end, err
		}
		end.unread = end.unread || found.unread
		newest := i == len(segments)-1
		switch {
		case found.rest == wal.Harmed, newest && found.last < atClose:
			end.harmed = append(end.harmed, segment)
		case newest:
			end.torn = found.rest == wal.Torn
			end.goesOn, end.from = !found.damaged, found.at
		}
		if found.at > 0 {
			end.last = found.last
			break
		}
	}
	slices.Reverse(end.harmed)
	return end, nil
}

// reportEnd reports what was found at the end of the log.
func (s *Spool) reportEnd(end logEnd) {
	if end.torn {
		s.logger().Warn("the spool ends in a commit that a crash has cut off; removed it", zap.String("dir", s.dir))
	}
	if len(end.harmed) > 0 {
		s.logger().Error("the end of the spool cannot be read, and events may be lost with it; check the disk, "+
			"unless the power was cut and sync is not always", s.preserveAll(end.harmed)...)
	}
}

// Waiting returns about how many events a spool holds that nobody has open. The
// error is ErrHeld if somebody has. It changes nothing but the lock.
func Waiting(dir string) (events uint64, err error) {
	lock, err := dirlock.Lock(dir, lockName)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	checkpoint, _, err := readCheckpoint(dir)
	if err != nil {
		return 0, err
	}
	end, err := (&glance{dir: dir, open: badblock.OpenFile}).findEnd(0)
	if err != nil {
		return 0, err
	}
	return between(min(checkpoint, end.last), end.last), nil
}
