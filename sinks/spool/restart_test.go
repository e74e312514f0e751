// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// noCheckpoints keeps the keeper from writing any before the end.
func noCheckpoints(t *tuning) {
	t.checkpointInterval = time.Hour
}

// deliverRuns makes a spool of some runs whose events are all acknowledged.
func deliverRuns(t *testing.T, dir string, runs, each int) {
	t.Helper()
	for run := range runs {
		s := openTest(t, Options{Dir: dir}, noCheckpoints)
		appendTest(t, s, run*each, (run+1)*each)
		entries := pending(t, s)
		s.Acknowledge(entries[len(entries)-1].Sequence)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// When the segments are gone, their numbers begin again below that of the checkpoint.
// Runs that crash before the next checkpoint lose nothing by that.
func TestNumbersBeginAgain(t *testing.T) {
	for name, removeSegments := range map[string]func(t *testing.T, dir string){
		"idle run": func(t *testing.T, dir string) {
			t.Helper()
			closedSpool(t, dir, 1, 0)
		},
		"segments removed": func(t *testing.T, dir string) {
			t.Helper()
			for _, name := range segments(t, dir) {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			const each = 5
			dir := t.TempDir()
			logged := newLogs()
			deliverRuns(t, dir, 3, each)
			removeSegments(t, dir)
			for run := 3; run < 9; run++ {
				s := openTest(t, Options{Dir: dir, Logger: logged.get}, noCheckpoints, smallQueue(0))
				expect(t, pending(t, s), numbered(3*each, run*each))
				appendTest(t, s, run*each, (run+1)*each)
				dir = t.TempDir()
				copyDir(t, s.dir, dir)
				s.Close()
			}
			if got := logged.Len(); got != 0 {
				t.Errorf("%d lines were logged: %v", got, logged.All())
			}
		})
	}
}

// A checkpoint beyond the events on disk is believed: their end may be gone.
func TestCheckpointBeyondEvents(t *testing.T) {
	dir := t.TempDir()
	closedSpool(t, dir, 3, 5)
	if err := (checkpoint{Acked: 50}).write(dir, true); err != nil {
		t.Fatal(err)
	}
	s, entries, logged := reopen(t, dir)
	expect(t, entries, nil)
	appendTest(t, s, 15, 17)
	entries = pending(t, s)
	expect(t, entries, numbered(15, 17))
	if got := entries[0].Sequence; got != 51 {
		t.Errorf("it goes on with the sequence %d", got)
	}
	if got := logged.Len(); got != 0 {
		t.Errorf("%d lines were logged: %v", got, logged.All())
	}
}

// outdatedSpool returns a spool as a crash leaves it that could not write its
// checkpoint, but has removed the first segment, of events 0 to 9. Events 10 to 14
// and 15 to 19 are in two others.
func outdatedSpool(t *testing.T) (dir string) {
	t.Helper()
	s := openTest(t, Options{Dir: t.TempDir()}, noCheckpoints)
	name := filepath.Join(s.dir, checkpointName)
	before := read(t, name)
	if err := errors.Join(os.Remove(name), os.MkdirAll(filepath.Join(name, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, part := range [][2]int{{0, 10}, {10, 15}, {15, 20}} {
		s.suspect.Store(part[0] > 0)
		appendTest(t, s, part[0], part[1])
	}
	entries := nextTest(t, s, 12)
	s.Acknowledge(entries[11].Sequence)
	if err := s.checkpoint(); err == nil {
		t.Fatal("the checkpoint was written")
	}
	dir = t.TempDir()
	copyDir(t, s.dir, dir)
	write(t, filepath.Join(dir, checkpointName), before)
	return dir
}

// Events that are gone because they were acknowledged are not reported as lost when
// the checkpoint does not say so. Others are.
func TestCheckpointOutdated(t *testing.T) {
	const outdated, lost = "the checkpoint of the spool is older", "events in the spool cannot be read"
	for name, test := range map[string]struct {
		harm func(t *testing.T, segments []string)
		want []int
		line string
		lost any // what is said of the count
	}{
		"whole": {
			harm: func(*testing.T, []string) {},
			want: numbered(10, 20), line: outdated,
		},
		"second segment damaged": {
			harm: func(t *testing.T, s []string) {
				t.Helper()
				content := read(t, s[1])
				content[firstRecord+10] ^= 1
				write(t, s[1], content)
			},
			want: append(numbered(10, 15), numbered(16, 20)...), line: outdated, lost: uint64(1),
		},
		"first segment damaged": {
			harm: func(t *testing.T, s []string) {
				t.Helper()
				content := read(t, s[0])
				content[firstRecord+10] ^= 1
				write(t, s[0], content)
			},
			want: numbered(11, 20), line: outdated, lost: uint64(1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := outdatedSpool(t)
			test.harm(t, segments(t, dir))
			s, entries, logged := reopen(t, dir)
			expect(t, entries, test.want)
			if got := len(logged.find(test.line)); got != 1 {
				t.Errorf("%q was logged %d times", test.line, got)
			}
			lines := logged.find(lost)
			if reported := test.lost != nil || test.line == lost; reported != (len(lines) == 1) {
				t.Fatalf("a loss was logged so: %v", lines)
			}
			for _, line := range lines {
				if got := line.ContextMap()["events_lost"]; got != test.lost {
					t.Errorf("%v events are reported as lost, not %v", got, test.lost)
				}
			}
			if got := s.InDoubt(); got != 20 {
				t.Errorf("events are in doubt up to %d, not to 20", got)
			}
			s.Acknowledge(entries[len(entries)-1].Sequence)
			s.Close()
			_, entries, logged = reopen(t, dir)
			expect(t, entries, nil)
			if got := logged.Len(); got != 0 {
				t.Errorf("%d lines were logged: %v", got, logged.All())
			}
		})
	}
}

// A reload that asks for syncs has the names of segments synced before the next event is
// taken.
func TestConfigureSync(t *testing.T) {
	for _, test := range []struct {
		from, to time.Duration
		unnamed  bool
	}{
		{SyncOff, SyncAlways, false},
		{SyncOff, time.Hour, false},
		{SyncOff, SyncOff, true},
		{SyncAlways, SyncOff, true},
	} {
		s := openTest(t, Options{Dir: t.TempDir(), Sync: test.from}, noCheckpoints)
		appendTest(t, s, 0, 1)
		s.Configure(testSize, test.to)
		inNewSegment(s)
		appendTest(t, s, 1, 2)
		if s.unnamed != test.unnamed {
			t.Errorf("from %v to %v: the names may not be on the disk: %v", test.from, test.to, s.unnamed)
		}
		s.Close()
	}
}

// configuringLog has a reload come while a segment begins.
type configuringLog struct {
	segmentLog
	during func()
}

func (l *configuringLog) Turn(size int64, after uint64, durable bool) error {
	if do := l.during; do != nil {
		l.during = nil
		do()
	}
	return l.segmentLog.Turn(size, after, durable)
}

// Also when a segment has begun without that while the reload came.
func TestConfigureDuringTurn(t *testing.T) {
	log := new(configuringLog)
	s := openTest(t, Options{Dir: t.TempDir(), Sync: SyncOff}, noCheckpoints,
		wrapped(func(l segmentLog) segmentLog { log.segmentLog = l; return log }))
	appendTest(t, s, 0, 5)
	inNewSegment(s)
	log.during = func() { s.Configure(testSize, SyncAlways) }
	appendTest(t, s, 5, 6)
	appendTest(t, s, 6, 7) // is to survive a power cut
	if s.unnamed {
		t.Error("the name of the segment may not be on the disk")
	}
}

// What the last interval has left is synced although no event comes.
func TestConfigureSyncAlways(t *testing.T) {
	s, faulty := openFaulty(t, Options{Dir: t.TempDir(), Sync: time.Hour})
	appendTest(t, s, 0, 1)
	faulty.sync.Store(true)
	s.Configure(testSize, SyncAlways)
	eventually(t, "a sync", func() bool { return errors.Is(s.Stats().Failing, errDisk) })
}

// The names of the segments are forced to the disk with them.
func TestConfigureSyncsDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("directories are not synced here; nothing to test")
		return
	}
	dir := filepath.Join(t.TempDir(), "spool")
	s := openTest(t, Options{Dir: dir, Sync: SyncOff}, noCheckpoints)
	appendTest(t, s, 0, 1)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	s.Configure(testSize, SyncAlways)
	if err := s.Append(testEvent(1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its directory the spool fails with %v", err)
	}
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
}
