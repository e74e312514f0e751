// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// closedSpool makes a spool of some runs, each with segments of its own, and closes it.
func closedSpool(t testing.TB, dir string, runs, each int) {
	t.Helper()
	closedSpoolOf(t, Options{Dir: dir}, runs, each)
}

func closedSpoolOf(t testing.TB, o Options, runs, each int) {
	t.Helper()
	for run := range runs {
		s, err := tryOpen(o)
		if err != nil {
			t.Fatal(err)
		}
		if run > 0 && each > 0 {
			inNewSegment(s)
		}
		appendTest(t, s, run*each, (run+1)*each)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// reopen returns what is left in a directory, and what is logged about it.
func reopen(t testing.TB, dir string) (*Spool, []Entry, logs) {
	t.Helper()
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get})
	return s, pending(t, s), logged
}

// A process that dies while it writes leaves every event whose Append returned.
func TestCrashWhileAppending(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, MaxSize: 8 << 20})
	// As many as the spool has room for, however slow the rest of the test is.
	const rounds, each = 5, 4000
	permits := make(chan struct{}, rounds*each)
	var next atomic.Int64
	var all sync.WaitGroup
	done := make([]atomic.Bool, rounds*each)
	for range 8 {
		all.Go(func() {
			for range permits {
				n := int(next.Add(1)) - 1
				if err := s.Append(testEvent(n)); err != nil {
					t.Errorf("appending: %v", err)
					return
				}
				done[n].Store(true)
			}
		})
	}
	defer all.Wait()
	defer close(permits)
	for round := range rounds {
		for range each {
			permits <- struct{}{}
		}
		eventually(t, "more events", func() bool { return int(next.Load()) > round*each })
		var before []int
		for n := range done[:next.Load()] {
			if done[n].Load() {
				before = append(before, n)
			}
		}
		crashed := t.TempDir()
		copyDir(t, dir, crashed)
		after := int(next.Load())
		copied, entries, logged := reopen(t, crashed)
		got := numbers(t, entries)
		slices.Sort(got)
		if len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatal("events are there twice")
		}
		for _, n := range before {
			if _, there := slices.BinarySearch(got, n); !there {
				t.Fatalf("event %d is missing", n)
			}
		}
		if len(got) > 0 && got[len(got)-1] >= after {
			t.Fatalf("event %d was not appended", got[len(got)-1])
		}
		if lost := logged.lost(); lost != 0 {
			t.Errorf("%d events are reported as lost", lost)
		}
		copied.Close()
	}
}

// The last record may have been written up to anywhere, with zeros or what is left of a
// former life behind it.
func TestTornAnywhere(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, MaxSize: 4 * wal.MinSegment})
	_, start := s.log.End()
	ends := []int64{start} // of the records
	for n := range 6 {
		appendTest(t, s, n, n+1)
		_, end := s.log.End()
		ends = append(ends, end)
	}
	segment := segments(t, dir)[0]
	content := read(t, segment)
	former := noise(len(content))
	for size := int(start); size <= int(ends[6]); size += 3 {
		for _, filler := range [][]byte{make([]byte, len(content)), former} {
			crashed := t.TempDir()
			torn := slices.Concat(content[:size], filler[size:len(content)-firstRecord], content[len(content)-firstRecord:])
			write(t, filepath.Join(crashed, filepath.Base(segment)), torn)
			s, entries, logged := reopen(t, crashed)
			whole := 0
			for whole < 6 && ends[whole+1] <= int64(size) {
				whole++
			}
			if len(entries) == whole+1 && ends[whole+1]-8 <= int64(size) {
				whole++ // only the mark behind it is missing
			}
			expect(t, entries, numbered(0, whole))
			// Less than the head of a record cannot be told from what was there before.
			if begun := int64(size) >= ends[whole]+16; begun != (len(logged.find("the spool ends in a commit")) == 1) {
				t.Fatalf("cut at %d of %v: the lines are %v", size, ends, logged.All())
			}
			if got := len(logged.find(lineHarmed)); got > 0 {
				t.Fatalf("cut at %d: damage was logged %d times", size, got)
			}
			if lost := logged.lost(); lost != 0 {
				t.Fatalf("cut at %d: %d events are reported as lost", size, lost)
			}
			appendTest(t, s, 50, 52)
			expect(t, pending(t, s), []int{50, 51})
			s.Close()
			_, entries, _ = reopen(t, crashed)
			expect(t, entries, append(numbered(0, whole), 50, 51))
		}
	}
}

// Sequences go on after a restart, whatever it has left.
func TestSequencesNeverReused(t *testing.T) {
	dir := t.TempDir()
	var last uint64
	for run := range 12 {
		s := openTest(t, Options{Dir: dir})
		appendTest(t, s, 0, 3)
		entries := pending(t, s)
		end := entries[len(entries)-1]
		if end.Sequence != last+3 {
			t.Fatalf("run %d ends with sequence %d after %d", run, end.Sequence, last)
		}
		last = end.Sequence
		if run%3 > 0 {
			s.Acknowledge(end.Sequence)
		}
		s.Close()
		if run%4 == 3 {
			for _, name := range segments(t, dir) {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// What a failed commit has left on the disk is void as soon as another has gone well,
// for whoever reads the files later too.
func TestFailedCommitIsVoid(t *testing.T) {
	dir := t.TempDir()
	s, faulty := openFaulty(t, Options{Dir: dir}, noCheckpoints, smallQueue(0))
	appendTest(t, s, 0, 1)
	faulty.log.Store(true)
	faulty.halves.Store(true)
	if s.Append(testEvent(1)) == nil {
		t.Fatal("a broken disk took an event")
	}
	faulty.log.Store(false)
	recovered(t, s, 2)
	appendTest(t, s, 3, 5)
	want := []int{0, 2, 3, 4}
	crashed := t.TempDir()
	copyDir(t, dir, crashed)
	_, entries, logged := reopen(t, crashed)
	for _, got := range [][]Entry{entries, pending(t, s)} {
		expect(t, got, want)
		for i, e := range got {
			if e.Sequence != uint64(i+1) {
				t.Errorf("event %d has the sequence %d", i, e.Sequence)
			}
		}
	}
	if got := logged.Len(); got != 0 {
		t.Errorf("%d lines were logged: %v", got, logged.All())
	}
}

// Starts that append nothing leave nothing.
func TestEmptyRuns(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 3)
	closedSpool(t, dir, 10, 0)
	if got := len(segments(t, dir)); got > 2 {
		t.Errorf("there are %d segments", got)
	}
}

// What is left out behind an end that nobody could read is no event.
func TestBetween(t *testing.T) {
	const left = unknownSequences
	for _, test := range []struct{ after, last, want uint64 }{
		{0, 0, 0},
		{3, 10, 7},
		{7, 7 + left, 0},            // nothing came
		{7, 7 + left + 5, 5},        // 5 came behind it
		{7 + 3, 7 + left, 0},        // 3 of it could be read later
		{7, 7 + 2*left + 5, 5},      // it happened twice
		{0, left/2 - 1, left/2 - 1}, // more than fit on a disk
	} {
		if got := between(test.after, test.last); got != test.want {
			t.Errorf("after %d up to %d: got %d, want %d", test.after, test.last, got, test.want)
		}
	}
}
