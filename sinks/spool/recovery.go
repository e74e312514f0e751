// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// logEnd is where the log ends.
type logEnd struct {
	segment wal.Segment // the last, or one with the number -1
	last    uint64      // the sequence of the last event
	at      int64       // where its record ends
	goesOn  bool        // the segment can be written on from there
	torn    bool        // a record was cut off there
	harmed  bool        // something behind the last event cannot be read
	unread  error       // why the disk cannot read all
	unknown bool        // and nobody knows which sequences are in there
}

// findEnd finds the last event in the last segment. It is told what the last event was
// when the spool was closed, or zero. What the disk cannot read is passed over, so that it
// does not keep the spool from being opened. Nothing is given up by that: the reader tries
// it again.
func findEnd(dir string, open func(string) (badblock.File, error), segments []wal.Segment, atClose uint64) (logEnd, error) {
	if len(segments) == 0 {
		return logEnd{segment: wal.Segment{Number: -1}}, nil
	}
	last, began := segments[len(segments)-1], time.Now()
	end := logEnd{segment: last, last: last.After}
	text, err := badblock.Read(last.Name(dir), open, nil, func([]int64) bool { return time.Since(began) > surveyTime })
	if err != nil {
		return end, err
	}
	end.unread = text.Err
	log, whole := wal.NewReader(text.Bytes, last), true
	for {
		found, ok := log.Next()
		if !ok {
			break
		}
		rec, err := decodeRecord(found)
		whole = whole && err == nil && rec.first == end.last+1
		if err == nil {
			end.last = rec.last()
		}
	}
	end.at = log.At()
	end.unknown = slices.ContainsFunc(text.Failed, func(at int64) bool { return at+badblock.BlockSize > end.at })
	rest := log.Rest()
	sound := rest != wal.Harmed && !end.unknown
	end.harmed = end.last < atClose || !sound && atClose == 0
	end.torn = rest == wal.Torn && !end.harmed
	end.goesOn = whole && sound && !end.harmed
	return end, nil
}

// reportEnd reports what was found at the end of the log.
func (s *Spool) reportEnd(end logEnd) {
	if end.torn {
		s.logger().Warn("the spool ends in a commit that a crash has cut off; removed it", zap.String("dir", s.dir))
	}
	if end.unread != nil {
		s.logger().Warn("a part of the spool cannot be read; check the disk: "+
			"it is tried again when its events are to be delivered", zap.String("dir", s.dir), zap.Error(end.unread))
	}
	if end.harmed {
		s.logger().Error("a file of the spool cannot be read to its end, and events may be lost with it; check the disk, "+
			"unless the power was cut and sync is not always", s.preserve(end.segment)...)
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
	log, err := wal.Open(dir)
	if err != nil || len(log.Segments()) == 0 {
		return 0, err
	}
	end, err := findEnd(dir, badblock.OpenFile, log.Segments(), 0)
	if err != nil {
		return 0, err
	}
	saved, _ := readCheckpoint(dir) // without one, all is sent again
	return between(min(max(saved.Acked, log.Segments()[0].After), end.last), end.last), nil
}
