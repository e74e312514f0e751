// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/sequence"
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

// fill appends what there is without waiting for more.
func (r *reader) fill(entries []Entry, limit, maxBytes int) ([]Entry, error) {
	var err error
	size := 0
	for count := 0; count < limit; {
		if r.block == nil || r.block.count == 0 {
			if r.block, err = r.nextBlock(); r.block == nil {
				break
			}
		}
		rest := r.block.record
		sequence := rest.first
		event := rest.cutEvent()
		if sequence <= r.read {
			r.block.record = rest
			continue
		}
		size += len(event.Subject) + len(event.MessageID) + len(event.TraceParent) + len(event.Body)
		if count > 0 && size > maxBytes {
			break
		}
		r.block.record = rest
		r.read = sequence
		count++
		entries = append(entries, Entry{Event: event, Position: Position{Segment: r.block.segment, Sequence: sequence}})
	}
	r.spool.mu.Lock()
	r.spool.read = r.read
	r.spool.mu.Unlock()
	return entries, err
}

// nextBlock returns the record that follows, from memory if it is there still, or
// nil if there is none.
func (r *reader) nextBlock() (*block, error) {
	s := r.spool
	for {
		s.mu.Lock()
		b := s.queue.take(r.read)
		committed, end := s.committed, s.committedEnd
		s.mu.Unlock()
		switch {
		case b != nil:
			r.follow(b.segment)
		case r.read >= committed.Sequence:
			return nil, nil
		default:
			var err error
			if b, err = r.fromLog(committed, end); err != nil {
				return nil, err
			}
		}
		if b != nil {
			s.mu.Lock()
			s.ages.Add(b.last(), b.at)
			s.mu.Unlock()
			return b, nil
		}
		r.giveUp(committed)
	}
}

// follow notes that records are taken from memory, and lets go of a segment's text that
// is not going to be needed any more. If the reader lags later, it goes on in the segment
// of the last record it had.
func (r *reader) follow(segment int) {
	if segment != r.segment {
		r.goTo(segment)
		r.text = badblock.Text{}
	}
	r.damage = damage{}
	r.known = true
}

// giveUp goes on after events that are committed and cannot be found, although the
// log was read to its end.
func (r *reader) giveUp(committed Position) {
	s := r.spool
	s.reportLost(sequence.Span{After: r.read, Last: committed.Sequence}, r.segment, r.damage, r.known)
	r.damage = damage{}
	r.known = true
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.acked.Sequence >= r.read:
		s.acked.Sequence = committed.Sequence
	case s.unread.Last == r.read:
		s.unread.Last = committed.Sequence
	default:
		s.unread = sequence.Span{After: r.read, Last: committed.Sequence}
	}
	r.read = committed.Sequence
	s.read = r.read
}
