// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

var (
	// ErrFull tells that an event would make the files larger than they may be.
	ErrFull = errors.New("the spool is full")

	// ErrStalled tells that the disk has not answered for so long that an event is
	// not waited for any more.
	ErrStalled = errors.New("the disk does not answer")

	// ErrClosed tells that the spool has been closed.
	ErrClosed = errors.New("the spool is closed")
)

// Append returns when the event is written, and with SyncAlways on the disk. It
// keeps no part of the event. A spool that is full or failing is given a short
// while to recover; an event that is refused then is not handed out by Next as
// long as the process runs, so that its caller may send it in another way. Only one
// that is refused with ErrStalled may be handed out all the same, once the disk
// answers.
func (s *Spool) Append(event Event) error {
	err := s.tryAppend(&event)
	if !isFinal(err) {
		err = s.insist(&event)
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		s.mu.Lock()
		s.trouble.refuse(err)
		s.report(s.unlock()...)
	}
	return err
}

// isFinal tells whether an event is taken, or trying again is of no use.
func isFinal(err error) bool {
	return err == nil || errors.Is(err, ErrClosed) || errors.Is(err, ErrStalled)
}

// insist tries again to append an event that was refused once.
func (s *Spool) insist(event *Event) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		s.mu.Lock()
		changed := s.trouble.wait()
		s.mu.Unlock()
		signal(s.kick) // the keeper may have room to give
		err := s.tryAppend(event)
		if isFinal(err) {
			return err
		}
		select {
		case <-changed:
		case <-s.closing:
			return ErrClosed
		case <-timer.C:
			return err
		}
	}
}

// tryAppend puts an event into a group, and commits the group or waits for the
// caller who does.
func (s *Spool) tryAppend(event *Event) error {
	s.mu.Lock()
	most := s.limits.segmentSize - wal.SegmentOverhead - wal.RecordOverhead
	if err := s.admit(event, most); err != nil {
		s.mu.Unlock()
		return err
	}
	g := s.openGroup(event, min(most, maxGroupBytes))
	leads := g.add(event)
	if leads && len(s.gathering) == 1 {
		s.began = time.Now()
		g.turn <- true
	}
	s.appends.Add(1)
	s.mu.Unlock()
	defer s.appends.Done()
	defer g.leave()
	if leads && <-g.turn {
		return s.commit(g)
	}
	g.done.Wait()
	return g.err
}

// admit returns why an event cannot be taken now, for a record of no more bytes than that.
func (s *Spool) admit(event *Event, most int64) error {
	switch {
	case s.closed:
		return ErrClosed
	case s.hangs():
		return ErrStalled
	case maxHeader+eventBound(event) > most:
		return ErrFull
	}
	return s.trouble.refusal()
}

// openGroup returns the group that takes the next event.
func (s *Spool) openGroup(event *Event, most int64) *group {
	if n := len(s.gathering); n > 0 && s.gathering[n-1].takes(event, most) {
		return s.gathering[n-1]
	}
	g := groups.Get().(*group)
	g.done.Add(1)
	s.gathering = append(s.gathering, g)
	return g
}

// commit writes the oldest group, wakes its callers and makes way for the next. The
// error is for the caller who leads: what becomes of the event in the end, also if the
// others were not kept waiting for so long.
func (s *Spool) commit(g *group) error {
	g.gather()
	s.writing.Lock()
	s.mu.Lock()
	g.sealed = true
	if g.err == nil {
		if g.err = s.trouble.refusal(); g.err != nil {
			g.done.Done()
		}
	}
	if g.err != nil {
		// The disk fails, or something else has kept it busy: nothing of this is written.
		s.pass()
		s.mu.Unlock()
		s.writing.Unlock()
		return g.err
	}
	r := record{first: s.committed + 1, at: s.began.UnixNano(), count: g.count}
	s.mu.Unlock()

	err := s.write(r.first, g.record(r))

	s.mu.Lock()
	switch {
	case errors.Is(err, ErrFull): // nothing of it was written
	case err != nil:
		err = fmt.Errorf("writing to the spool: %w", err)
		s.tried = max(s.tried, r.last())
		s.trouble.fail(err)
	default:
		s.accept(r, g)
	}
	late := g.err != nil
	if !late {
		g.err = err
	}
	s.pass()
	news := s.unlock()
	s.writing.Unlock()
	if !late {
		g.done.Done()
	}
	s.report(news...)
	if late && err == nil {
		// All but the one who leads were refused with ErrStalled.
		s.logger().Warn("the spool's disk has answered late: events that were not waited for are in the spool all the same "+
			"and are delivered", zap.String("dir", s.dir), zap.Int("events", g.count-1))
	}
	return err
}

// pass ends the commit of the oldest group and lets the next one have its turn.
func (s *Spool) pass() {
	s.gathering = s.gathering[:copy(s.gathering, s.gathering[1:])]
	if len(s.gathering) > 0 {
		s.began = time.Now()
		s.gathering[0].turn <- true
	}
}

// stallAfter is how long a commit may take. It is long enough for a busy disk, and no
// longer than somebody waits for a pixel.
const stallAfter = 5 * time.Second

// giveUpStalled ends the waiting of all who have an event in a group, if the oldest
// commit takes too long, as on a disk behind a network that is gone. The caller who leads
// it cannot be helped: the system has not returned from its call. Until it has, no event
// is taken.
func (s *Spool) giveUpStalled() {
	s.mu.Lock()
	if len(s.gathering) == 0 || s.hangs() || time.Since(s.began) < s.tuning.stallAfter {
		s.mu.Unlock()
		return
	}
	for i, g := range s.gathering {
		g.err = ErrStalled
		g.done.Done()
		if i > 0 {
			g.turn <- false
		}
	}
	clear(s.gathering[1:])
	s.gathering = s.gathering[:1]
	s.trouble.fail(ErrStalled)
	s.report(s.unlock()...)
}

// hangs tells whether a commit is under way that nobody waits for any more.
func (s *Spool) hangs() bool { return len(s.gathering) > 0 && s.gathering[0].err != nil }

// accept notes that a record was committed.
func (s *Spool) accept(r record, g *group) {
	drained := s.drained() // so that all room is as good as free
	s.committed = r.last()
	s.queue.push(g.copy(r))
	signal(s.wake)
	s.trouble.worked(drained || s.roomy())
}

// roomy tells whether a spool that was full is so no more.
func (s *Spool) roomy() bool {
	const spare = 8 // part of the size that has to be free
	return s.used() <= s.limits.maxSize-s.limits.maxSize/spare
}
