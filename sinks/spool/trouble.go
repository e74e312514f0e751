// SPDX-License-Identifier: Apache-2.0

package spool

import "time"

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

const (
	// patience is how long an event waits for a full or failing spool to take it.
	patience = 50 * time.Millisecond

	// probeInterval is how long a failing spool is left alone between attempts.
	probeInterval = 250 * time.Millisecond
)

// trouble remembers that the spool is full or failing, so that each is reported
// once, and what it has cost. It is full when an event was refused for that, and
// not when waiting a little has helped.
type trouble struct {
	full    bool
	failing error // of the last attempt to write; nil if it went well
	mended  bool  // the disk has taken a file since then
	probeAt time.Time
	refused uint64        // events since the beginning of either
	changed chan struct{} // closed when there is reason to try again; nil if nobody waits
}

// probes returns an error if the spool fails and it is not the time for another
// attempt. Otherwise the caller is the one to make it.
func (t *trouble) probes() error {
	if t.failing == nil {
		return nil
	}
	now := time.Now()
	if now.Before(t.probeAt) {
		return t.failing
	}
	t.probeAt = now.Add(probeInterval)
	return nil
}

// fail returns whether this is news.
func (t *trouble) fail(err error, now time.Time) (begins bool) {
	begins = t.failing == nil
	t.failing, t.mended = err, false
	t.probeAt = now.Add(probeInterval)
	return begins
}

// fill returns whether this is news.
func (t *trouble) fill() (begins bool) {
	begins = !t.full
	t.full = true
	return begins
}

// worked notes that an event was written, and returns the trouble that is over, if so.
// A full spool is to have room to spare first, so that one that is drained as
// fast as it fills is not reported again and again.
func (t *trouble) worked(roomy bool) (over Trouble, refused uint64) {
	if t.full {
		over = TroubleFull
	}
	if t.failing != nil {
		over = TroubleFailing
		t.failing = nil
		t.notify()
	}
	if roomy {
		t.full = false
	}
	if over == "" || t.full {
		return "", 0
	}
	refused, t.refused = t.refused, 0
	return over, refused
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
