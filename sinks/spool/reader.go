// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// reader is the state of Next: how far the one who calls it has come, and the
// segment that it reads when memory does not hold what follows.
type reader struct {
	spool *Spool
	block *block // what is left of the record that is being handed out
	read  uint64 // the last sequence handed out, given up or acknowledged
	known bool   // read is known: a higher previous sequence means a loss

	segment int
	file    *source
	live    *wlog.LiveReader // until damage is met
	scan    *scanner         // from then on
	whole   int64            // the end of the last whole record
	metrics *wlog.LiveReaderMetrics
	bad     badBlocks // of the segment
	damage  damage
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.live, r.scan, r.whole = nil, nil, nil, 0
}

func (r *reader) open() error {
	name := wlog.SegmentName(r.spool.dir, r.segment)
	file, err := r.spool.tuning.openSegment(name)
	if err != nil {
		return err
	}
	// A device could be read for ever.
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", name, errNotRegular)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if r.bad.segment != r.segment {
		r.bad = badBlocks{segment: r.segment}
	}
	r.file = &source{segmentFile: file, bad: &r.bad}
	r.live = wlog.NewLiveReader(slog.New(slog.DiscardHandler), r.metrics, r.file)
	return nil
}

// fromLog returns the record that follows the last one read, or nil if it cannot
// be found up to the last one that is committed. An error says nothing about what is
// in the segments: reading goes on with the same one at the next attempt.
func (r *reader) fromLog(committed Position) (*block, error) {
	for {
		data, err := r.record(committed)
		if err == nil {
			b, beyond := r.accept(data, committed)
			if beyond {
				// It is to be read again when it is committed.
				r.close()
				return nil, nil
			}
			if b != nil {
				return b, nil
			}
			continue
		}
		switch {
		case errors.Is(err, io.EOF):
		case isMissing(err):
			r.damage.add(r.segment, err)
			// What is written to a file that is not there would be lost too.
			r.spool.retire(r.segment)
		case r.getsOver(err):
			if r.scan == nil {
				r.startScan()
			}
			continue
		default:
			// The readers cannot go on after an error. The segment is read from its
			// start again; what was handed out is passed over.
			r.close()
			return nil, fmt.Errorf("reading the spool: %w", err)
		}
		if r.segment >= committed.Segment {
			return nil, nil
		}
		r.close()
		r.segment++
	}
}

// record returns the next whole record of the segment, and io.EOF after the last.
func (r *reader) record(committed Position) ([]byte, error) {
	if r.file == nil {
		if err := r.open(); err != nil {
			return nil, err
		}
	}
	if r.scan == nil {
		if r.live.Next() {
			r.whole = r.live.Offset()
			return r.live.Record(), nil
		}
		if err := r.liveEnd(committed); err != nil {
			return nil, err
		}
		r.startScan()
	}
	data, err := r.scan.next()
	if r.scan.damage != nil {
		r.damage.add(r.segment, r.scan.damage)
		r.scan.damage = nil
	}
	return data, err
}

// liveEnd returns io.EOF if the live reader has read the whole segment, why it could
// not, or nil if it has met damage.
func (r *reader) liveEnd(committed Position) error {
	if r.file.err != nil {
		return r.file.err
	}
	if err := r.live.Err(); !errors.Is(err, io.EOF) {
		r.damage.add(r.segment, err)
		return nil
	}
	if r.segment >= committed.Segment {
		return nil
	}
	info, err := r.file.Stat()
	if err == nil && r.live.Offset() >= info.Size() {
		return io.EOF
	}
	return err
}

// startScan goes on behind the last whole record with a reader that gets over
// damage. For that the segment must not be written any more; if no other can be
// begun, so be it.
func (r *reader) startScan() {
	r.spool.retire(r.segment)
	r.scan = newScanner(r.file, r.whole)
	r.live = nil
}

// accept returns the record if it is one to be handed out, and whether it is
// beyond what is committed.
func (r *reader) accept(data []byte, committed Position) (b *block, beyond bool) {
	rec, err := decodeRecord(data)
	if err != nil {
		r.damage.add(r.segment, err)
		return nil, false
	}
	s := r.spool
	s.mu.Lock()
	failed := s.failed.has(rec.first)
	s.mu.Unlock()
	if failed || rec.last() <= r.read {
		return nil, false
	}
	if rec.first > committed.Sequence {
		return nil, true
	}
	s.reportLost(span{after: r.read, last: max(r.read, rec.previous)}, r.segment, r.damage, r.known)
	r.damage = damage{}
	r.known = true
	rec.events = bytes.Clone(rec.events)
	return &block{record: rec, segment: r.segment}, false
}
