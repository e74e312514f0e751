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

// spoilRecord damages a record, and returns what is left of the segment.
func spoilRecord(t *testing.T, name string) []byte {
	t.Helper()
	content := read(t, name)
	content[firstRecord+230] ^= 1
	write(t, name, content)
	return content
}

// What is damaged is not written over, though it cannot be put aside.
func TestDamagedStays(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	name := segments(t, dir)[0]
	want := spoilRecord(t, name)
	write(t, filepath.Join(dir, DamagedFolder), nil)
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Logger: logged.get}, noCheckpoints)
	appendTest(t, s, 10, 12)
	pending(t, s)
	if !bytes.Equal(read(t, name), want) {
		t.Error("what was left of it is destroyed")
	}
	lines := logged.find(lineLost)
	if len(lines) != 1 || lines[0].ContextMap()["copy_error"] == nil || lines[0].ContextMap()["copy"] != nil {
		t.Errorf("the lines are %v", logged.All())
	}
}

// A file that is kept is not used again, not after a restart and not when somebody has
// moved it elsewhere.
func TestPreservedIsNotUsedAgain(t *testing.T) {
	for name, test := range map[string]struct{ restart, moved bool }{
		"same run": {}, "after a restart": {restart: true}, "moved": {moved: true}, "moved after a restart": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			closedSpool(t, dir, 1, 10)
			want := spoilRecord(t, segments(t, dir)[0])
			s := openTest(t, Options{Dir: dir}, noCheckpoints)
			entries := pending(t, s)
			if test.restart {
				s.Close()
				s = openTest(t, Options{Dir: dir}, noCheckpoints)
				entries = pending(t, s)
			}
			kept := damagedCopies(t, dir)[0]
			if test.moved {
				elsewhere := filepath.Join(t.TempDir(), "moved")
				if err := os.Rename(kept, elsewhere); err != nil {
					t.Fatal(err)
				}
				kept = elsewhere
			}
			s.Acknowledge(entries[len(entries)-1].Sequence)
			inNewSegment(s)
			appendTest(t, s, 20, 21)
			s.Acknowledge(nextTest(t, s, 1)[0].Sequence)
			if err := s.checkpoint(); err != nil {
				t.Fatal(err)
			}
			inNewSegment(s)
			appendTest(t, s, 21, 31)
			if !bytes.Equal(read(t, kept), want) {
				t.Error("it was written over")
			}
		})
	}
}

// A copy that was cut short, where a file can have only one name, is none.
func TestKeepWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	name, copied := filepath.Join(dir, "a"), filepath.Join(dir, DamagedFolder, "a")
	want := noise(100_000)
	write(t, name, want)
	if err := os.MkdirAll(filepath.Join(copied+".part", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	noLink := func(string, string) error { return errors.ErrUnsupported }
	if err := keep(noLink, name, copied); err == nil {
		t.Error("a copy that cannot be written is kept")
	}
	if err := os.RemoveAll(copied + ".part"); err != nil {
		t.Fatal(err)
	}
	write(t, copied+".part", want[:10]) // as a crash leaves it
	if err := keep(noLink, name, copied); err != nil || !bytes.Equal(read(t, copied), want) {
		t.Errorf("it is not kept: %v", err)
	}
	if got := damagedCopies(t, dir); len(got) != 1 {
		t.Errorf("the copies are %v", got)
	}
}

// A header that is damaged is no news if the spool was closed, and all that it held is there.
func TestHeaderGoneAfterClose(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 1, 10)
	spoilHeader(t, segments(t, dir)[0])
	s, entries, logged := reopen(t, dir)
	expect(t, entries, numbered(0, 10))
	appendTest(t, s, 10, 12)
	expect(t, pending(t, s), numbered(10, 12))
	expectUntouched(t, dir, logged)
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
