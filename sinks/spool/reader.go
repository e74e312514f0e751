// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
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

// reader is the state of Next: what is left of the record that is being handed out, and of
// the segment that was read because memory does not hold what follows.
type reader struct {
	spool  *Spool
	record *record

	records *wal.Reader // nil if nothing is left of a segment
	here    stretch
	memory  []byte // of its text
	failed  error  // what it lacks may be read later
	cause   error  // why it lacks something
	bad     badBlocks
}

// stretch is what is to be read of a segment.
type stretch struct {
	segment wal.Segment
	last    uint64 // what it has beyond that sequence is void, or was not there yet
	miss    uint64 // what it lacks up to that one is lost; the rest of it is in memory
}

// fill appends what there is without waiting for more.
func (r *reader) fill(entries []Entry, limit, maxBytes int) ([]Entry, error) {
	var err error
	s, size := r.spool, 0
	for count := 0; count < limit; {
		if r.record == nil || r.record.count == 0 {
			if r.record, err = r.next(); r.record == nil {
				break
			}
		}
		rest := *r.record
		sequence := rest.first
		event := rest.cutEvent()
		if sequence <= s.read.Load() {
			*r.record = rest
			continue
		}
		size += len(event.Subject) + len(event.MessageID) + len(event.TraceParent) + len(event.Body)
		if count > 0 && size > maxBytes {
			break
		}
		*r.record = rest
		s.read.Store(sequence)
		count++
		entries = append(entries, Entry{event, sequence})
	}
	return entries, err
}

// next returns the record that follows, from memory if it is there still, or nil if there
// is none.
func (r *reader) next() (found *record, err error) {
	s := r.spool
	for {
		s.mu.Lock()
		found = s.queue.take(s.read.Load())
		if found != nil {
			s.queue.handOut(found)
		}
		committed := s.committed
		s.mu.Unlock()
		if found != nil {
			r.records, r.memory = nil, nil
			return found, nil
		}
		if s.read.Load() >= committed {
			return nil, nil
		}
		if found, err = r.fromLog(); err != nil {
			return nil, err
		}
		if found != nil {
			s.mu.Lock()
			s.queue.handOut(found)
			s.mu.Unlock()
			return found, nil
		}
	}
}

// ahead is where what comes after the last event handed out is to be read.
func (s *Spool) ahead() stretch {
	s.mu.Lock()
	defer s.mu.Unlock()
	segments := s.log.Segments()
	i := holding(segments, s.read.Load())
	here := stretch{segment: segments[i], last: s.committed}
	if i+1 < len(segments) {
		here.last = min(here.last, segments[i+1].After)
	}
	here.miss = min(here.last, s.queue.before(s.committed))
	return here
}

// fromLog returns the record that follows the last one read, or nil if the next is in
// memory or in another segment. An error says nothing about what is in the segment: the
// next attempt goes on at the same place.
func (r *reader) fromLog() (*record, error) {
	if r.records == nil {
		if err := r.load(); err != nil {
			return nil, fmt.Errorf("reading the spool: %w", err)
		}
	}
	for r.records != nil {
		text, ok := r.records.Next()
		if !ok {
			break
		}
		found, err := decodeRecord(text)
		read := r.spool.read.Load()
		switch before := found.first - 1; {
		case err != nil:
			r.cause = cmp.Or(r.cause, err)
			continue
		case found.first > r.here.last:
		case found.last() <= read:
			continue
		case before <= read || before <= r.here.miss && r.failed == nil:
			r.lose(before)
			found.events = bytes.Clone(found.events)
			return &found, nil
		}
		break
	}
	r.records = nil
	if r.failed != nil && r.spool.read.Load() < r.here.miss {
		return nil, fmt.Errorf("reading the spool: %w", r.failed)
	}
	r.lose(r.here.miss)
	return nil, nil
}

// load reads the segment that holds what follows. Nothing of it is left if it is gone.
func (r *reader) load() error {
	s, began := r.spool, time.Now()
	r.here, r.failed, r.cause = s.ahead(), nil, nil
	r.bad.giveUp(r.here.segment.Number, &s.tuning, s.diskWorks)
	text, err := badblock.Read(r.here.segment.Name(s.dir), s.tuning.openSegment, r.memory, func(failed []int64) bool {
		return s.isClosing() || time.Since(began) > surveyTime && len(r.bad.others(failed)) > 0
	})
	switch {
	case s.isClosing():
		return ErrClosed
	case err == nil:
		r.memory = text.Bytes
		if r.bad.meet(text.Failed, s.tuning.now()) {
			r.failed = text.Err
		}
		r.records, r.cause = wal.NewReader(text.Bytes, r.here.segment), text.Err
	case badblock.IsMissing(err):
		r.cause = err
	default:
		return err
	}
	if r.cause != nil && r.failed == nil {
		s.retire(r.here.segment) // what is written there from now on could not be read either
	}
	return nil
}

// isClosing tells whether the spool is being closed.
func (s *Spool) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}
