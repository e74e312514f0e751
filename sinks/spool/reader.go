// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// Next appends the next events to entries, in order: at least one, at most limit,
// and no more than maxBytes unless the first is larger by itself. It waits if
// there is none. The entries stay valid. Only one goroutine may call it. After an
// error that is not ErrClosed or the context's, the files could not be read for now,
// and another call goes on where this one stopped.
func (s *Spool) Next(ctx context.Context, entries []Entry, limit, maxBytes int) ([]Entry, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	before := len(entries)
	for {
		select {
		case <-s.closing:
			return entries, ErrClosed
		case <-ctx.Done():
			return entries, ctx.Err()
		default:
		}
		var err error
		entries, err = s.reader.fill(entries, max(limit, 1), maxBytes)
		if len(entries) > before {
			return entries, nil // the next call meets the error again, if it lasts
		}
		if err != nil {
			return entries, err
		}
		select {
		case <-s.wake:
		case <-s.closing:
		case <-ctx.Done():
		}
	}
}

// reader is the state of Next: how far the one who calls it has come, and the
// segment that it reads when memory does not hold what follows.
type reader struct {
	spool *Spool
	block *block // what is left of the record that is being handed out
	exact bool   // it is known after which event reading has begun

	segment int
	records *wal.Reader // nil before anything of the segment is read
	memory  []byte      // of the text that was read last
	unread  error       // why a part of it is done without
	failed  error       // why it does not go on
	bad     badblock.Blocks
	damage  damage
}

// fill appends what there is without waiting for more.
func (r *reader) fill(entries []Entry, limit, maxBytes int) ([]Entry, error) {
	var err error
	s, size := r.spool, 0
	for count := 0; count < limit; {
		if r.block == nil || r.block.count == 0 {
			if r.block, err = r.nextBlock(); r.block == nil {
				break
			}
		}
		rest := r.block.record
		sequence := rest.first
		event := rest.cutEvent()
		if sequence <= s.read.Load() {
			r.block.record = rest
			continue
		}
		size += len(event.Subject) + len(event.MessageID) + len(event.TraceParent) + len(event.Body)
		if count > 0 && size > maxBytes {
			break
		}
		r.block.record = rest
		s.read.Store(sequence)
		count++
		entries = append(entries, Entry{event, sequence})
	}
	return entries, err
}

// nextBlock returns the record that follows, from memory if it is there still, or
// nil if there is none.
func (r *reader) nextBlock() (*block, error) {
	s := r.spool
	for {
		s.mu.Lock()
		b, committed := s.queue.take(s.read.Load()), s.committed
		s.mu.Unlock()
		switch {
		case b != nil:
			r.follow(b.segment)
		case s.read.Load() >= committed:
			return nil, nil
		default:
			var err error
			if b, err = r.fromLog(); err != nil {
				return nil, err
			}
		}
		if b != nil {
			s.mu.Lock()
			s.queue.handOut(b)
			s.mu.Unlock()
			return b, nil
		}
	}
}

// follow notes that records are taken from memory, and lets go of what was read of a
// segment. If the reader lags later, it goes on in the segment of the last record it had.
func (r *reader) follow(segment int) {
	if segment != r.segment {
		r.goTo(segment)
	}
	if r.records != nil {
		r.records.Load(nil)
	}
	r.memory, r.failed, r.damage, r.exact = nil, nil, damage{}, true
}

// goTo has a segment read from its beginning.
func (r *reader) goTo(segment int) {
	r.segment, r.records, r.failed, r.bad = segment, nil, nil, nil
}

// reach is how far a segment can be read.
type reach struct {
	next int    // the segment behind it, or itself if there is none
	end  int64  // where its last record ends at the latest
	last uint64 // what it has beyond that sequence is void
	held uint64 // what is beyond that one is in memory
	miss uint64 // what was not read up to that one is lost at its end; zero if unknown
}

func (s *Spool) reach(segment int) reach {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := reach{next: segment, end: math.MaxInt64, last: s.committed, held: s.queue.before(s.committed)}
	r.miss = r.held
	switch {
	case segment == s.end.segment:
		r.end = s.end.at
	case segment > s.end.segment:
		r.end = 0 // nothing is committed there
	}
	for _, other := range s.log.Segments() {
		if other.Number <= segment {
			continue
		}
		if r.next == segment {
			r.next, r.miss = other.Number, min(r.miss, other.After)
		}
		if other.Known {
			r.last = other.After
			break
		}
	}
	return r
}

// fromLog returns the record that follows the last one read, or nil if there is none in
// the segment: then the reader has come nearer to the next one. An error says nothing about
// what is in the segment: reading goes on at the same place at the next attempt.
func (r *reader) fromLog() (*block, error) {
	for {
		here := r.spool.reach(r.segment)
		b, err := r.next(here)
		switch {
		case b != nil:
			return b, nil
		case err == nil:
		case errors.Is(err, errInMemory):
			return nil, nil
		case badblock.IsMissing(err), errors.Is(err, wal.ErrDamaged):
			r.damage.add(r.segment, err)
			r.spool.retire(r.segment) // what is written there from now on would be lost too
		case r.getsOver(err):
			continue
		default:
			return nil, fmt.Errorf("reading the spool: %w", err)
		}
		if here.miss > 0 {
			r.lose(here.miss)
		}
		if here.next != r.segment {
			r.goTo(here.next)
		}
		return nil, nil
	}
}

// errInMemory tells that what comes next was last seen in memory.
var errInMemory = errors.New("it is in memory")

// next returns the next record of the segment that was not handed out, if there is one.
func (r *reader) next(here reach) (*block, error) {
	for {
		found, ok, err := r.record(here.end)
		if !ok {
			return nil, err
		}
		rec, err := decodeRecord(found)
		switch {
		case err != nil:
			r.damage.add(r.segment, err)
		case rec.first > here.last:
			return nil, nil
		case rec.first-1 > max(here.held, r.spool.read.Load()):
			r.lose(here.held)
			r.goTo(r.segment) // the record may not be in memory any more when it is its turn
			return nil, errInMemory
		case rec.last() > r.spool.read.Load():
			r.lose(rec.first - 1)
			rec.events = bytes.Clone(rec.events)
			return &block{rec, r.segment}, nil
		}
	}
}

// record returns the next record of the segment that ends before an offset. What is read
// for it holds others, as a rule.
func (r *reader) record(end int64) (found wal.Record, ok bool, err error) {
	from, to := int64(0), int64(math.MaxInt64)
	if r.records != nil {
		if found, ok = r.records.Next(); ok || r.records.At() >= end {
			return found, ok, nil
		}
		if err, r.failed = r.failed, nil; err != nil {
			return found, false, err // the next attempt reads it again
		}
		from, to = r.records.At(), end // what lies behind that may change yet
		r.records.Load(nil)            // its memory is used again
	}
	t := &r.spool.tuning
	text, err := badblock.Read(wal.Name(r.spool.dir, r.segment), t.openSegment, from, to, r.memory, r.bad)
	if err != nil {
		return found, false, err
	}
	r.memory, r.unread = text.Bytes, text.Unread
	r.bad.Failed(text.Failed, text.Surveyed, t.now())
	if r.records == nil {
		if r.records, err = wal.NewReader(text.Bytes, r.segment); err != nil {
			// A header may be where the disk cannot read for now.
			return found, false, cmp.Or(text.Err, errors.Join(err, text.Unread))
		}
	}
	start := min(r.records.At(), text.End)
	r.records.Load(text.Bytes[start-from : max(min(end, text.End), start)-from])
	if found, ok = r.records.Next(); text.End >= end {
		return found, ok, nil
	}
	if ok {
		r.failed = text.Err
		return found, true, nil
	}
	return found, false, text.Err
}

// readPatience is how long a place that the disk cannot read is tried again before it
// is given up, so that what lies behind it does not wait for ever.
const readPatience = time.Minute

// getsOver tells whether reading goes on in spite of an error: where the disk has not
// been able to read a place for long, though it works otherwise. From then on the place
// is damage.
func (r *reader) getsOver(err error) bool {
	t := &r.spool.tuning
	if !badblock.IsUnreadable(err) || !r.bad.GiveUp(t.readPatience, t.now(), r.spool.diskWorks) {
		return false
	}
	// What is written there from now on could not be read either.
	r.spool.retire(r.segment)
	return true
}
