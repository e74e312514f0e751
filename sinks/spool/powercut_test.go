// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"os"
	"path/filepath"
	"testing"
)

// recycling makes a spool whose first segment, of events 0 to 9, is acknowledged and has
// become the spare. Events 10 to 14 and 15 to 19 are in two others.
func recycling(t *testing.T) *Spool {
	t.Helper()
	s := openTest(t, Options{Dir: t.TempDir()}, noCheckpoints)
	for _, part := range [][2]int{{0, 10}, {10, 15}, {15, 20}} {
		s.suspect.Store(part[0] > 0)
		appendTest(t, s, part[0], part[1])
	}
	entries := nextTest(t, s, 10)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	if err := s.checkpoint(); err != nil {
		t.Fatal(err)
	}
	return s
}

// A file that has become a segment by its name, and has nothing but its former life in it,
// holds nothing.
func TestPowerCutAfterRecycling(t *testing.T) {
	s, dir := recycling(t), t.TempDir()
	copyDir(t, s.dir, dir)
	s.retire(currentSegment(s))
	if err := os.Rename(filepath.Join(dir, "spare"), currentSegment(s).Name(dir)); err != nil {
		t.Fatal(err)
	}
	again, entries, logged := reopen(t, dir)
	expect(t, entries, numbered(10, 20))
	appendTest(t, again, 20, 22)
	expect(t, pending(t, again), numbered(20, 22))
	if logged.Len() > 0 {
		t.Errorf("the lines are %v", logged.All())
	}
}

// A spool that is drained, and has no room for another segment, begins anew in its file
// only when nothing but the checkpoint is behind.
func TestPowerCutWhileRestarting(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir()}, noCheckpoints)
	appendTest(t, s, 0, 10)
	inNewSegment(s)
	appendTest(t, s, 10, 20)
	s.Acknowledge(nextTest(t, s, 5)[4].Sequence)
	if err := s.checkpoint(); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.limits.maxSize = 2 * s.limits.segmentSize
	s.mu.Unlock()
	rest := pending(t, s)
	s.Acknowledge(rest[len(rest)-1].Sequence)
	s.retire(currentSegment(s))
	dir := t.TempDir()
	copyDir(t, s.dir, dir)
	_, _, logged := reopen(t, dir)
	if got := logged.lost(); got != 0 {
		t.Errorf("%d events are reported as lost", got)
	}
	if err := s.Stats().Failing; err != nil {
		t.Errorf("a spool that has no room says that it fails: %v", err)
	}
}
