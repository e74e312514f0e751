// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// spoilHeader leaves a segment without a header, and returns what is left of it.
func spoilHeader(t *testing.T, name string) []byte {
	t.Helper()
	content := read(t, name)
	clear(content[:firstRecord])
	write(t, name, content)
	return content
}

// damagedCopies are the files in damaged/.
func damagedCopies(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, DamagedFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What is damaged is not written over, though it cannot be put aside.
func TestDamagedStays(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	name := segments(t, dir)[0]
	want := spoilHeader(t, name)
	write(t, filepath.Join(dir, DamagedFolder), nil)
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Logger: logged.get})
	appendTest(t, s, 10, 12)
	if !bytes.Equal(read(t, name), want) {
		t.Error("what was left of it is destroyed")
	}
	expect(t, pending(t, s), numbered(0, 12))
	if lines := logged.find(lineHarmed); len(lines) != 1 || lines[0].ContextMap()["copy_error"] == nil {
		t.Errorf("the lines are %v", logged.All())
	}
}

// A file of which a copy is kept is not used again, after a restart either.
func TestPreservedIsNotUsedAgain(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	name := segments(t, dir)[0]
	want := spoilHeader(t, name)
	for range 2 {
		s := openTest(t, Options{Dir: dir}, noCheckpoints)
		pending(t, s)
		s.Close()
	}
	s := openTest(t, Options{Dir: dir}, noCheckpoints)
	entries := pending(t, s)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	if err := s.checkpoint(); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		inNewSegment(s)
		appendTest(t, s, n, n+1)
	}
	if got := damagedCopies(t, dir); len(got) != 1 || !bytes.Equal(read(t, got[0]), want) {
		t.Errorf("the copies are %v", got)
	}
}

// Damage that is met at each start is kept once.
func TestPreservedOnce(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	name := segments(t, dir)[0]
	content := read(t, name)
	content[firstRecord+230] ^= 1
	write(t, name, content)
	for range 3 {
		s, _, _ := reopen(t, dir)
		s.Close()
	}
	if got := damagedCopies(t, dir); len(got) != 1 {
		t.Errorf("the copies are %v", got)
	}
}

// What comes behind two ends that could not be read is not void.
func TestUnreadTwice(t *testing.T) {
	dir, crashed, again := t.TempDir(), t.TempDir(), t.TempDir()
	s := openTest(t, Options{Dir: dir}, noCheckpoints)
	appendTest(t, s, 0, 10)
	copyDir(t, dir, crashed)
	disk := newBadDisk()
	disk.fails = func(int64) bool { return true }
	s = openTest(t, Options{Dir: crashed}, noCheckpoints, disk.tune)
	appendTest(t, s, 10, 20)
	copyDir(t, crashed, again)
	logged := newLogs()
	s = openTest(t, Options{Dir: again, Logger: logged.get}, noCheckpoints, disk.tune)
	appendTest(t, s, 20, 21)
	disk.mend()
	expect(t, pending(t, s), numbered(0, 21))
	if got := logged.lost(); got != 0 {
		t.Errorf("%d events are reported as lost", got)
	}
}

// That somebody has cut the last segment is not taken for what a crash leaves.
func TestCutAfterCrash(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir}, noCheckpoints)
	appendTest(t, s, 0, 10)
	all := extents(t, segments(t, dir)[0])
	for _, at := range []int64{all[5].from, all[5].from + 30} {
		crashed := t.TempDir()
		copyDir(t, dir, crashed)
		if err := os.Truncate(segments(t, crashed)[0], at); err != nil {
			t.Fatal(err)
		}
		_, entries, logged := reopen(t, crashed)
		expect(t, entries, numbered(0, 5))
		if len(logged.find(lineHarmed)) != 1 {
			t.Errorf("the lines are %v", logged.All())
		}
	}
}

// What is waiting does not include what is gone.
func TestWaiting(t *testing.T) {
	dir := outdatedSpool(t)
	name := filepath.Join(dir, checkpointName)
	for i, harm := range []func() error{ // one after the other
		func() error { return nil },
		func() error { return os.Truncate(name, 3) },
		func() error { return os.Remove(name) },
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		if got, err := Waiting(dir); got != 10 || err != nil {
			t.Errorf("harm %d: got %d, error %v", i, got, err)
		}
	}
	s := openTest(t, Options{Dir: dir})
	if _, err := Waiting(dir); !errors.Is(err, ErrHeld) {
		t.Errorf("while somebody has it open: error %v", err)
	}
	expect(t, pending(t, s), numbered(10, 20))
}
