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
	known bool   // the last sequence read is known: a higher previous sequence means a loss

	segment int
	records *wal.Reader   // nil before anything of the segment is read
	text    badblock.Text // that was read last
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
		entries = append(entries, Entry{Event: event, Position: Position{Segment: r.block.segment, Sequence: sequence}})
	}
	return entries, err
}

// nextBlock returns the record that follows, from memory if it is there still, or
// nil if there is none.
func (r *reader) nextBlock() (*block, error) {
	s := r.spool
	for {
		s.mu.Lock()
		b := s.queue.take(s.read.Load())
		committed, end := s.committed, s.committedEnd
		s.mu.Unlock()
		switch {
		case b != nil:
			r.follow(b.segment)
		case s.read.Load() >= committed.Sequence:
			return nil, nil
		default:
			var err error
			if b, err = r.fromLog(committed, end); err != nil {
				return nil, err
			}
		}
		if b != nil {
			s.mu.Lock()
			s.queue.handOut(b)
			s.mu.Unlock()
			return b, nil
		}
		r.giveUp(committed)
	}
}

// follow notes that records are taken from memory, and lets go of what was read of a
// segment. If the reader lags later, it goes on in the segment of the last record it had.
func (r *reader) follow(segment int) {
	if segment != r.segment {
		r.goTo(segment)
	}
	r.text = badblock.Text{}
	if r.records != nil {
		r.text.End = r.records.At()
		r.records.Reload(nil)
	}
	r.damage = damage{}
	r.known = true
}

// goTo goes on with another segment.
func (r *reader) goTo(segment int) {
	r.forget()
	r.segment = segment
}

// forget has the segment read anew.
func (r *reader) forget() { r.records, r.bad = nil, nil }

// giveUp goes on after events that are committed and cannot be found, although the
// log was read to its end.
func (r *reader) giveUp(committed Position) {
	s := r.spool
	read := s.read.Load()
	r.reportLost(committed.Sequence)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread.last != read {
		s.unread.after = read
	}
	s.unread.last = committed.Sequence
	if s.acked.Sequence >= s.unread.after {
		s.acked.Sequence = s.unread.last
	}
	s.read.Store(committed.Sequence)
}

// fromLog returns the record that follows the last one read, or nil if it cannot
// be found up to the last one that is committed. An error says nothing about what is
// in the segments: reading goes on at the same place at the next attempt.
func (r *reader) fromLog(committed Position, end int64) (*block, error) {
	for {
		found, ok, err := r.next(committed.Segment, end)
		switch {
		case ok:
			if b := r.accept(found.Content, committed); b != nil {
				return b, nil
			}
			continue
		case err == nil:
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
		r.goTo(r.following(committed.Segment))
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

// next returns the next record of the segment, if there is one.
func (r *reader) next(last int, end int64) (found wal.Record, ok bool, err error) {
	if r.segment < last {
		end = math.MaxInt64
	}
	for {
		if r.records != nil {
			found, ok = r.records.Next(min(end, r.text.End))
			whole := r.text.End >= min(end, r.records.End())
			if found.AfterDamage || !ok && whole && r.endsEarly(last, end) {
				r.damage.add(r.segment, cmp.Or(r.text.Unread, wal.ErrDamaged))
			}
			if ok || whole {
				return found, ok, nil
			}
			if err, r.text.Err = r.text.Err, nil; err != nil {
				return found, false, err // the next attempt reads it again
			}
		}
		if err := r.load(end); err != nil {
			return found, false, err
		}
	}
}

// endsEarly tells whether there was more in a segment than can be read. What a failed
// commit leaves looks so too, but costs nothing.
func (r *reader) endsEarly(last int, end int64) bool {
	if r.segment >= last {
		return r.records.At() < end
	}
	return r.records.Rest() != wal.Nothing
}

// load reads what follows of the segment, of which what lies behind the end may change yet.
func (r *reader) load(end int64) (err error) {
	from, to := int64(0), int64(math.MaxInt64)
	if r.records != nil {
		from, to = r.records.At(), end
	}
	t, memory := &r.spool.tuning, r.text.Bytes
	r.text = badblock.Text{End: from} // its memory is used for the next
	text, err := badblock.Read(wal.Name(r.spool.dir, r.segment), t.openSegment, from, to, memory, r.bad.Without)
	if err != nil {
		return err
	}
	r.bad.Failed(text.Failed, t.now())
	r.text = text
	if text.End >= end {
		r.text.End, r.text.Err = end, nil
	}
	if r.records != nil {
		r.records.Reload(text.Bytes)
		if text.Err == nil && text.End < min(end, r.records.End()) {
			// Somebody has cut the file. What is written behind that could not be read either.
			r.records.Cut(text.End)
			r.spool.retire(r.segment)
		}
		return nil
	}
	if r.records, err = wal.NewReader(text.Bytes); err == nil {
		return nil
	}
	if text.Err != nil {
		return text.Err // the header may be there
	}
	return errors.Join(err, text.Unread)
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

// accept returns the record if it is one to be handed out.
func (r *reader) accept(data []byte, committed Position) *block {
	rec, err := decodeRecord(data)
	if err != nil {
		r.damage.add(r.segment, err)
		return nil
	}
	s := r.spool
	s.mu.Lock()
	failed := s.failed.within(span{after: rec.first - 1, last: rec.first}) > 0
	s.mu.Unlock()
	if failed || rec.last() <= s.read.Load() || rec.first > committed.Sequence {
		return nil
	}
	r.reportLost(rec.previous)
	rec.events = bytes.Clone(rec.events)
	return &block{record: rec, segment: r.segment}
}
