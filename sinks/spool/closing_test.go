// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// After a crash, all that is on disk may have been sent: the checkpoint lags behind by
// more than is known when it could not be written. After a close, only what was handed
// out is in doubt, and what was before.
func TestDoubtAfterCrash(t *testing.T) {
	const events, handedOut, acknowledged = 1000, 100, 10
	dir, crashed := t.TempDir(), t.TempDir()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff}, noCheckpoints)
	appendTest(t, s, 0, events)
	s.Acknowledge(nextTest(t, s, handedOut)[acknowledged-1].Sequence)
	copyDir(t, dir, crashed)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// What says that it was closed is gone as soon as it is open.
	s = openTest(t, Options{Dir: dir})
	if got := s.InDoubt(); got != handedOut {
		t.Errorf("after a close events are in doubt up to %d, want %d", got, handedOut)
	}
	again := t.TempDir()
	copyDir(t, dir, again)
	if got := openTest(t, Options{Dir: again}).InDoubt(); got != events {
		t.Errorf("after a close and a crash events are in doubt up to %d, want %d", got, events)
	}

	s = openTest(t, Options{Dir: crashed})
	if got := s.InDoubt(); got != events {
		t.Errorf("after a crash events are in doubt up to %d, want %d", got, events)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Doubts outlive a run that did not come to them.
	if got := openTest(t, Options{Dir: crashed}).InDoubt(); got != events {
		t.Errorf("after a crash and a close events are in doubt up to %d, want %d", got, events)
	}
}

// An event that was refused does not come back after a restart when all others are
// acknowledged, though it is whole on the disk.
func TestRefusedStaysRefused(t *testing.T) {
	dir := t.TempDir()
	s, faulty := openFaulty(t, Options{Dir: dir}, noCheckpoints)
	appendTest(t, s, 0, 5)
	faulty.sync.Store(true)
	if err := s.Append(testEvent(5)); err == nil {
		t.Fatal("a broken disk took an event")
	}
	entries := pending(t, s)
	expect(t, entries, numbered(0, 5))
	s.mu.Lock()
	s.trouble = trouble{} // or the keeper begins a segment, which would help too
	s.mu.Unlock()
	s.Acknowledge(entries[4].Sequence)
	faulty.sync.Store(false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir})
	expect(t, pending(t, s), nil)
	appendTest(t, s, 6, 8)
	expect(t, pending(t, s), numbered(6, 8))
}

// With an interval, an error of the last sync of a segment is not lost with the segment.
func TestSyncBeforeTurn(t *testing.T) {
	logged := newLogs()
	s, faulty := openFaulty(t, Options{Dir: t.TempDir(), Sync: time.Hour, Logger: logged.get}, noCheckpoints)
	appendTest(t, s, 0, 5)
	faulty.sync.Store(true)
	s.retire(currentSegment(s))
	if err := s.Stats().Failing; err == nil {
		t.Error("a segment that could not be synced was finished, and nobody was told")
	}
	faulty.sync.Store(false)
	recovered(t, s, 5)
	expect(t, pending(t, s), numbered(0, 6))
	if got := len(logged.find("the spool cannot be written")); got != 1 {
		t.Errorf("the fault was logged %d times", got)
	}
}

// Whoever reads when the spool is closed begins no segment any more.
func TestNoTurnAfterClose(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	appendTest(t, s, 0, 1)
	before := segments(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.retire(currentSegment(s))
	if got := segments(t, dir); !slices.Equal(got, before) {
		t.Errorf("the segments are %v, they were %v", got, before)
	}
}

// An error of the last sync of a segment is told, too, when the segment ends because of
// another.
func TestSyncBeforeTurnThatFails(t *testing.T) {
	var c changes
	s, faulty := openFaulty(t, c.told(Options{Dir: t.TempDir(), Sync: time.Hour}), noCheckpoints)
	appendTest(t, s, 0, 5)
	inNewSegment(s)
	faulty.sync.Store(true)
	if err := s.Append(testEvent(5)); err != nil {
		t.Fatal(err)
	}
	if got := c.names(); got != "failing failing-over" {
		t.Errorf("told of %q", got)
	}
	expect(t, pending(t, s), numbered(0, 6))
}

// A start that fails does not make the next one believe that there was a crash.
func TestCleanOutlivesStartThatFails(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	appendTest(t, s, 0, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name, spare := segments(t, dir)[0], filepath.Join(dir, "spare")
	content := read(t, name)
	clear(content[firstRecord+300:]) // the end is lost
	write(t, name, content)
	if err := errors.Join(os.RemoveAll(spare), os.MkdirAll(filepath.Join(spare, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := tryOpen(Options{Dir: dir}); err == nil {
		t.Fatal("a spool has begun a segment although it cannot")
	}
	if err := os.RemoveAll(spare); err != nil {
		t.Fatal(err)
	}
	_, entries, logged := reopen(t, dir)
	if len(entries) == 0 || len(entries)+int(logged.lost()) != 10 {
		t.Errorf("%d events are there, and %d are reported as lost", len(entries), logged.lost())
	}
}

// What could not be read at the start, and can later, may have been sent before, too.
func TestDoubtOfUnread(t *testing.T) {
	for name, closed := range map[string]bool{"after a crash": false, "after a close": true} {
		t.Run(name, func(t *testing.T) {
			original, dir := t.TempDir(), t.TempDir()
			count := rough(t, original, 1)
			s := openTest(t, Options{Dir: original, Sync: SyncOff}, noCheckpoints)
			pending(t, s) // all are sent
			if closed {
				s.Close()
			}
			copyDir(t, original, dir)
			segment := segments(t, dir)[0]
			disk := newBadDisk()
			disk.spoil(segment, pagePart(pages(t, segment)-1))
			s = openTest(t, Options{Dir: dir, Sync: SyncOff}, disk.tune)
			disk.mend()
			got, _ := readOn(t, s, strconv.Itoa(count-1))
			if last := got[len(got)-1].Sequence; s.InDoubt() < last {
				t.Errorf("event %d was sent before, and events are in doubt up to %d", last, s.InDoubt())
			}
		})
	}
}
