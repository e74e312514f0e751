// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// glanceTime bounds how long opening a spool takes longer because of what cannot be
// read. A single place is passed over, however long it takes.
const glanceTime = 10 * time.Second

// glance reads segments to find out where the log begins and ends. What the disk
// cannot read is passed over, so that it does not keep the spool from being opened.
// Nothing is given up by that: the reader tries it again.
type glance struct {
	dir    string
	open   func(name string) (badblock.File, error)
	memory []byte
	unread error     // why something could not be read
	since  time.Time // when that was met
}

func (g *glance) passesOver(_ int64, err error) bool {
	if g.unread == nil {
		g.unread, g.since = err, time.Now()
		return true
	}
	return time.Since(g.since) < glanceTime
}

// walk hands out the records of a segment that can be read, until somebody has seen
// enough. Without a header there are none.
func (g *glance) walk(segment int, see func(record) (enough bool)) (end segmentEnd, err error) {
	text, err := badblock.Read(wal.Name(g.dir, segment), g.open, 0, math.MaxInt64, g.memory, g.passesOver)
	if err = cmp.Or(err, text.Err); err != nil {
		return end, err
	}
	g.memory = text.Bytes
	log, err := wal.NewReader(text.Bytes)
	if errors.Is(err, wal.ErrDamaged) {
		return segmentEnd{damaged: true, rest: wal.Harmed, unread: text.Unread != nil}, nil
	}
	if err != nil {
		return end, err
	}
	for {
		found, ok := log.Next(math.MaxInt64)
		if !ok {
			break
		}
		end.damaged = end.damaged || found.AfterDamage
		rec, err := decodeRecord(found.Content)
		switch {
		case errors.Is(err, wal.ErrNewer):
			return end, fmt.Errorf("%s has %w: start that release again, or move the spool's directory "+
				"elsewhere to begin with an empty one", wal.Name(g.dir, segment), err)
		case err != nil:
			end.damaged = true
		case see(rec):
			return end, nil
		}
	}
	end.at, end.rest = log.At(), log.Rest()
	if slices.ContainsFunc(text.Failed, func(at int64) bool { return at+badblock.BlockSize > end.at && at < log.End() }) {
		end.rest, end.unread = wal.Harmed, true
	}
	return end, nil
}

// segmentEnd is what a segment looks like.
type segmentEnd struct {
	at      int64 // behind its last record
	rest    wal.Rest
	damaged bool // something before that cannot be read
	unread  bool // what follows it cannot be read either, for now
}

// logEnd is where the log ends.
type logEnd struct {
	last   Position // of the last event in it
	at     int64    // where that ends
	goesOn bool     // the newest segment can be written from an offset on
	from   int64    // that offset
	torn   bool     // a record was cut off there
	unread bool     // nobody knows which sequences are in what cannot be read
	harmed []int    // segments after whose last event there is something that cannot be read
}

// findEnd returns the last event of the newest segment that has one.
func (g *glance) findEnd(segments []int, clean bool) (logEnd, error) {
	var end logEnd
	for i, segment := range slices.Backward(segments) {
		last := uint64(0)
		found, err := g.walk(segment, func(r record) bool {
			last = max(last, r.last())
			return false
		})
		if err != nil {
			return end, err
		}
		newest := i == len(segments)-1
		end.unread = end.unread || found.unread
		switch {
		case found.rest == wal.Harmed, found.rest == wal.Torn && clean:
			end.harmed = append(end.harmed, segment)
		case newest:
			end.torn = found.rest == wal.Torn
			end.goesOn, end.from = !found.damaged, found.at
		}
		if last > 0 {
			end.last, end.at = Position{Segment: segment, Sequence: last}, found.at
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
	if len(end.harmed) == 0 {
		return
	}
	s.logger().Error("the end of the spool cannot be read, and events may be lost with it; check the disk, "+
		"unless the power was cut and sync is not always", s.preserveAll(end.harmed)...)
}

// catchUp returns where reading is to go on, and whether the checkpoint is too old to
// tell: to free a full disk, segments are removed even if the checkpoint that lets them
// go cannot be written.
func (s *Spool) catchUp(g *glance, checkpoint Position, ok bool, segments []int) (from Position, outdated bool, err error) {
	if !ok || len(segments) == 0 || segments[0] <= checkpoint.Segment {
		return checkpoint, false, nil
	}
	var first record
	damaged := false
	for i := 0; i < len(segments) && first.count == 0; i++ {
		end, err := g.walk(segments[i], func(r record) bool {
			first = r
			return true
		})
		if err != nil {
			return checkpoint, false, err
		}
		damaged = damaged || end.damaged
	}
	if first.previous <= checkpoint.Sequence {
		return checkpoint, false, nil
	}
	if damaged {
		// What is lost of the first segment cannot be told from what was removed.
		return checkpoint, true, nil
	}
	s.logger().Warn("the checkpoint of the spool is older than its files; events between them are gone: "+
		"they were acknowledged, unless somebody has removed files",
		zap.String("dir", s.dir), zap.Uint64("events", first.previous-checkpoint.Sequence),
		zap.Int("checkpoint_segment", checkpoint.Segment), zap.Int("first_segment", segments[0]))
	return Position{Segment: segments[0], Sequence: first.previous}, true, nil
}

// Waiting returns about how many events a spool holds that nobody has open. The
// error is ErrHeld if somebody has. It changes nothing but the lock.
func Waiting(dir string) (events uint64, err error) {
	segments, err := wal.List(dir)
	if err != nil || len(segments) == 0 {
		return 0, err
	}
	lock, err := dirlock.Lock(dir, lockName)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	checkpoint, _, err := readCheckpoint(dir)
	if err != nil {
		return 0, err
	}
	g := &glance{dir: dir, open: badblock.OpenFile}
	end, err := g.findEnd(segments, false)
	if err != nil {
		return 0, err
	}
	return max(end.last.Sequence, checkpoint.Sequence) - checkpoint.Sequence, nil
}
