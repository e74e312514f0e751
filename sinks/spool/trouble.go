// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"time"

	"go.uber.org/zap"
)

// Trouble is what can be wrong with a spool.
type Trouble string

// The troubles.
const (
	// TroubleFull and TroubleFailing keep events from being taken: there is no room
	// for them, or they cannot be written. When both have come, they end together.
	TroubleFull    Trouble = "full"
	TroubleFailing Trouble = "failing"
	// TroubleCheckpoint keeps the spool from noting what is acknowledged, and from
	// removing it.
	TroubleCheckpoint Trouble = "checkpoint"
)

// Change says that a trouble has begun or, with Over, has ended.
type Change struct {
	Trouble Trouble
	Over    bool
	Err     error  // of the beginning; nil if the trouble says it all
	Refused uint64 // events that were not taken meanwhile, at the end
}

// patience is how long an event waits for a full or failing spool to take it.
const patience = 50 * time.Millisecond

// trouble remembers that the spool is full or failing, so that each is reported
// once, and what it has cost. It is full when an event was refused for that, and
// not when waiting a little has helped.
type trouble struct {
	full    bool
	failing error         // of the last attempt to write; nil if it went well
	mended  bool          // the disk has taken a file since then
	due     bool          // another attempt
	refused uint64        // events since the beginning of either
	changed chan struct{} // closed when there is reason to try again; nil if nobody waits
	news    []Change      // that nobody was told of yet
}

// refusal returns why nothing is written if the spool fails, until another attempt is due.
func (t *trouble) refusal() error {
	if t.due {
		return nil
	}
	return t.failing
}

// eased notes that there is more room than before. A full disk need not have any then.
func (t *trouble) eased() {
	if isFull(t.failing) {
		t.mended, t.due = true, true
	}
	t.notify()
}

// probed notes whether the disk of a failing spool takes a file. A full disk may get its
// room from what is here.
func (t *trouble) probed(err error) {
	t.mended, t.due = err == nil, err == nil || isFull(err)
	if t.due {
		t.notify()
	}
}

func (t *trouble) fail(err error) {
	if t.failing == nil {
		t.news = append(t.news, Change{Trouble: TroubleFailing, Err: err})
	}
	t.failing, t.mended, t.due = err, false, false
}

// refuse notes that an event was not taken in the end.
func (t *trouble) refuse(err error) {
	t.refused++
	if errors.Is(err, ErrFull) && !t.full {
		t.full = true
		t.news = append(t.news, Change{Trouble: TroubleFull})
	}
}

// worked notes that an event was written. A full spool is to have room to spare before
// that is over, so that one that is drained as fast as it fills is not reported again
// and again.
func (t *trouble) worked(roomy bool) {
	if !t.full && t.failing == nil {
		return
	}
	over := Change{Trouble: TroubleFull, Over: true}
	if t.failing != nil {
		over.Trouble = TroubleFailing
		t.failing, t.mended = nil, false
		t.notify()
	}
	if t.full = t.full && !roomy; !t.full {
		over.Refused, t.refused = t.refused, 0
		t.news = append(t.news, over)
	}
}

// tight tells whether events find no room, or did lately.
func (t *trouble) tight() bool {
	return t.full || t.changed != nil
}

// wait returns a channel that is closed when there is reason to try again.
func (t *trouble) wait() <-chan struct{} {
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// notify makes those who wait try again.
func (t *trouble) notify() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// unlock ends the caller's hold of mu, and returns what is to be reported after that: it
// may take its time.
func (s *Spool) unlock() (news []Change) {
	news, s.trouble.news = s.trouble.news, nil
	s.mu.Unlock()
	return news
}

func (s *Spool) report(news ...Change) {
	for _, c := range news {
		s.logChange(c)
		s.changed(c)
	}
}

func (s *Spool) logChange(c Change) {
	dir := zap.String("dir", s.dir)
	switch {
	case c.Trouble == TroubleCheckpoint && c.Over:
		s.logger().Info("the spool writes its checkpoint and removes old segments again", dir)
	case c.Trouble == TroubleCheckpoint:
		s.logger().Error("the spool cannot write its checkpoint or remove old segments; check the disk's "+
			"free space and permissions: after a restart events will be sent again", dir, zap.Error(c.Err))
	case c.Over:
		s.logger().Info("the spool takes events again", dir, zap.Uint64("events_refused", c.Refused))
	case c.Trouble == TroubleFull:
		stats := s.Stats()
		s.logger().Error("the spool is full; see why events are not acknowledged, or raise its size: "+
			"events are not safe until then", dir, zap.Uint64("events", stats.Events), zap.Int64("capacity", stats.Capacity))
	default:
		s.logger().Error("the spool cannot be written; check the disk's free space, health and permissions: "+
			"events are not safe until then", dir, zap.Error(c.Err))
	}
}
