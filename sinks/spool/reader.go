// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/sequence"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// reader is the state of Next: how far the one who calls it has come, and the
// segment that it reads when memory does not hold what follows.
type reader struct {
	spool *Spool
	block *block // what is left of the record that is being handed out
	read  uint64 // the last sequence handed out, given up or acknowledged
	known bool   // read is known: a higher previous sequence means a loss

	segment int
	file    *badblock.Source
	records *wal.Reader
	bad     *badblock.Set // of the segment
	damage  damage
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.records = nil, nil
}

func (r *reader) open() error {
	if r.bad == nil || r.bad.Segment != r.segment {
		r.bad = badblock.NewSet(r.segment, func() time.Time { return r.spool.tuning.now() })
	}
	file, err := badblock.Open(wal.Name(r.spool.dir, r.segment), r.spool.tuning.openSegment, r.bad)
	if err != nil {
		return err
	}
	records, err := file.Records()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.file, r.records = file, records
	return nil
}

// fromLog returns the record that follows the last one read, or nil if it cannot
// be found up to the last one that is committed. An error says nothing about what is
// in the segments: reading goes on at the same place at the next attempt.
func (r *reader) fromLog(committed Position, end int64) (*block, error) {
	for {
		found, err := r.next(committed.Segment, end)
		switch {
		case err == nil:
			if b := r.accept(found.Content, committed); b != nil {
				return b, nil
			}
			continue
		case errors.Is(err, io.EOF):
		case badblock.IsMissing(err), errors.Is(err, wal.ErrDamaged):
			r.damage.add(r.segment, err)
			if badblock.IsMissing(err) {
				// What is written to a file that is not there would be lost too.
				r.spool.retire(r.segment)
			}
		case r.getsOver(err):
			continue
		default:
			return nil, fmt.Errorf("reading the spool: %w", err)
		}
		if r.segment >= committed.Segment {
			return nil, nil
		}
		r.close()
		r.segment = r.following(committed.Segment)
	}
}

// following is the segment after the current one, which need not be the next number.
func (r *reader) following(last int) int {
	for _, segment := range r.spool.log.Segments() {
		if segment > r.segment {
			return segment
		}
	}
	return last
}

// next returns the next record of the segment, and io.EOF after the last.
func (r *reader) next(last int, end int64) (wal.Record, error) {
	if r.file == nil {
		if err := r.open(); err != nil {
			return wal.Record{}, err
		}
	}
	before := int64(math.MaxInt64)
	if r.segment == last {
		before = end
	}
	found, err := r.records.Next(before)
	if r.records.Damage == nil && errors.Is(err, io.EOF) {
		harmed, restErr := r.endsEarly(last, end)
		if restErr != nil {
			return wal.Record{}, restErr
		}
		if harmed {
			r.records.Damage = wal.ErrDamaged
		}
	}
	if r.records.Damage != nil {
		r.damage.add(r.segment, cmp.Or(r.file.Unread, r.records.Damage))
		r.records.Damage = nil
	}
	return found, err
}

// endsEarly tells whether there was more in a segment than can be read. What a failed
// commit leaves looks so too, but costs nothing.
func (r *reader) endsEarly(last int, end int64) (bool, error) {
	if r.segment >= last {
		return r.records.At() < end, nil
	}
	rest, err := r.records.Rest()
	return rest != wal.Nothing, err
}

// accept returns the record if it is one to be handed out.
func (r *reader) accept(data []byte, committed Position) *block {
	rec, err := decodeRecord(data)
	if err != nil {
		r.damage.add(r.segment, err)
		return nil
	}
	s := r.spool
	s.mu.Lock()
	failed := s.failed.Has(rec.first)
	s.mu.Unlock()
	if failed || rec.last() <= r.read || rec.first > committed.Sequence {
		return nil
	}
	s.reportLost(sequence.Span{After: r.read, Last: max(r.read, rec.previous)}, r.segment, r.damage, r.known)
	r.damage = damage{}
	r.known = true
	rec.events = bytes.Clone(rec.events)
	return &block{record: rec, segment: r.segment}
}
