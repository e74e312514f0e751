// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// spoilHeaders leaves a segment without headers, and returns what is left of it.
func spoilHeaders(t *testing.T, name string) []byte {
	t.Helper()
	content := read(t, name)
	clear(content[:firstRecord])
	clear(content[len(content)-firstRecord:])
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

// What is lost with a first file that has no header is counted, once, although nobody reads
// before the next restart.
func TestFirstBrokenAndRestart(t *testing.T) {
	for name, only := range map[string]bool{"the only one": true, "the first of two": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openTest(t, Options{Dir: dir}, noCheckpoints)
			appendTest(t, s, 0, 10)
			want := numbered(10, 20)
			if only {
				want = nil
			} else {
				inNewSegment(s)
				appendTest(t, s, 10, 20)
			}
			s.Close()
			spoilHeaders(t, segments(t, dir)[0])
			logged := newLogs()
			lost := uint64(0)
			for range 2 {
				openTest(t, Options{Dir: dir, Logger: logged.get, Lost: func(events uint64) { lost += events }}).Close()
			}
			_, entries, _ := reopen(t, dir)
			expect(t, entries, want)
			if got := logged.lost(); got != 10 || lost != 10 {
				t.Errorf("%d events are logged as lost and %d counted, want 10", got, lost)
			}
		})
	}
}

// A file without a header stays where it is if it cannot be put aside.
func TestBrokenStays(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	name := segments(t, dir)[0]
	want := spoilHeaders(t, name)
	write(t, filepath.Join(dir, DamagedFolder), nil)
	s := openTest(t, Options{Dir: dir})
	appendTest(t, s, 10, 12)
	if !bytes.Equal(read(t, name), want) {
		t.Error("what was left of it is destroyed")
	}
	expect(t, pending(t, s), numbered(10, 12))
}

// The number of a file without a header is not used again, so that another with damage is
// kept, too.
func TestBrokenAndDamaged(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	spoilHeaders(t, segments(t, dir)[0])
	s := openTest(t, Options{Dir: dir}, noCheckpoints, smallQueue(0))
	appendTest(t, s, 10, 20)
	name := segments(t, dir)[0]
	content := read(t, name)
	content[firstRecord+recordBody] ^= 1
	write(t, name, content)
	pending(t, s)
	if !slices.ContainsFunc(damagedCopies(t, dir), func(copied string) bool { return bytes.Equal(read(t, copied), content) }) {
		t.Errorf("%s is not kept: %v", name, damagedCopies(t, dir))
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
