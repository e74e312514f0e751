// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// A segment or the whole directory that somebody removes is replaced.
func TestRemoved(t *testing.T) {
	for name, remove := range map[string]func(dir, segment string) error{
		"segment": func(_, segment string) error { return os.Remove(segment) },
		// The keeper must not see half of it.
		"directory": func(dir, _ string) error { return os.Rename(dir, dir+".gone") },
	} {
		t.Run(name, func(t *testing.T) {
			logged := newLogs()
			dir := filepath.Join(t.TempDir(), "spool")
			s := openTest(t, Options{Dir: dir, Logger: logged.get}, func(t *tuning) {
				t.checkpointInterval = time.Millisecond
			})
			appendTest(t, s, 0, 10)
			if err := remove(dir, currentSegment(s).Name(dir)); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a new segment", func() bool {
				_, err := os.Stat(currentSegment(s).Name(dir))
				return err == nil
			})
			appendTest(t, s, 10, 20)
			expect(t, pending(t, s), numbered(0, 20)) // from memory
			if got := len(logged.find("somebody has removed a file")); got != 1 {
				t.Errorf("the removal was logged %d times", got)
			}
			if _, err := tryOpen(Options{Dir: dir}); !errors.Is(err, ErrHeld) {
				t.Errorf("opening the spool twice: got error %v", err)
			}
			s.Close()
			s = openTest(t, Options{Dir: dir, Logger: logged.get})
			expect(t, pending(t, s), numbered(10, 20))
		})
	}
}

// A file in the place of the directory is no spool. Events are refused until it is gone.
func TestReplacedByFile(t *testing.T) {
	logged := newLogs()
	dir := filepath.Join(t.TempDir(), "spool")
	s := openTest(t, Options{Dir: dir, Logger: logged.get})
	appendTest(t, s, 0, 10)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the spool fails", func() bool { return s.Stats().Failing != nil })
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the spool takes events again", func() bool { return s.Append(testEvent(10)) == nil })
}

// A reader that lags does not wait for a segment that is gone.
func TestRemovedBeforeReading(t *testing.T) {
	logged := newLogs()
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, Logger: logged.get}, smallQueue(0))
	appendTest(t, s, 0, 10)
	expect(t, nextTest(t, s, 4), numbered(0, 4))
	s.reading.Lock()
	s.reader.records, s.reader.record = nil, nil
	s.reading.Unlock()
	if err := os.Remove(currentSegment(s).Name(dir)); err != nil {
		t.Fatal(err)
	}
	expect(t, pending(t, s), nil)
	if got := logged.lost(); got != 6 {
		t.Errorf("%d events are reported as lost, want 6", got)
	}
	appendTest(t, s, 10, 12)
	expect(t, pending(t, s), numbered(10, 12))
	if got := s.Stats().Events; got != 12 {
		t.Errorf("%d events are waiting, want 12", got)
	}
	s.Acknowledge(12)
	if got := s.Stats().Events; got != 0 {
		t.Errorf("%d events are waiting, want none", got)
	}
}

// What is in memory is not lost with what is gone from the disk.
func TestRemovedInPart(t *testing.T) {
	const count, inMemory = 9, 5
	r := record{events: appendEvent(nil, &Event{Subject: "s", MessageID: "1"})}
	for name, test := range map[string]struct {
		turnAt int // the event that begins a segment
		harm   func(t *testing.T, s *Spool, ends []int64)
		want   []string
	}{
		"the only segment": {count, func(t *testing.T, s *Spool, _ []int64) {
			t.Helper()
			if err := os.Remove(segments(t, s.dir)[0]); err != nil {
				t.Fatal(err)
			}
		}, allIDs(count-inMemory, count)},
		"a segment": {6, func(t *testing.T, s *Spool, _ []int64) {
			t.Helper()
			if err := os.Remove(segments(t, s.dir)[0]); err != nil {
				t.Fatal(err)
			}
		}, allIDs(count-inMemory, count)},
		"two records": {count, func(t *testing.T, s *Spool, ends []int64) {
			t.Helper()
			content := read(t, segments(t, s.dir)[0])
			content[ends[2]+recordBody] ^= 1
			content[ends[3]+recordBody] ^= 1
			write(t, segments(t, s.dir)[0], content)
		}, without(allIDs(0, count), []string{"3"})},
	} {
		t.Run(name, func(t *testing.T) {
			logged := newLogs()
			s := openTest(t, Options{Dir: t.TempDir(), Logger: logged.get}, noCheckpoints, smallQueue(inMemory*r.size()))
			var ends []int64
			for n := range count {
				if n == test.turnAt {
					inNewSegment(s)
				}
				if err := s.Append(Event{Subject: "s", MessageID: strconv.Itoa(n)}); err != nil {
					t.Fatal(err)
				}
				_, end := s.log.End()
				ends = append(ends, end)
			}
			test.harm(t, s, ends)
			if got := ids(t, pending(t, s)); !slices.Equal(got, test.want) {
				t.Errorf("got events %v, want %v", got, test.want)
			}
			if got := int(logged.lost()); got != count-len(test.want) {
				t.Errorf("%d events are reported as lost, want %d", got, count-len(test.want))
			}
		})
	}
}

// recordBody is an offset at which a record is whatever was appended.
const recordBody = wal.RecordOverhead - 8

// A segment that has lost something is not written any more once that is noticed.
func TestCurrentIsCut(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir()}, noCheckpoints, smallQueue(0))
	appendTest(t, s, 0, 10)
	cut := currentSegment(s)
	if err := os.Truncate(cut.Name(s.dir), 0); err != nil {
		t.Fatal(err)
	}
	pending(t, s)
	appendTest(t, s, 10, 20)
	if currentSegment(s) == cut {
		t.Error("it is written on")
	}
	dir := t.TempDir()
	copyDir(t, s.dir, dir)
	_, entries, _ := reopen(t, dir)
	expect(t, entries, numbered(10, 20))
}

// A checkpoint that cannot be written does not keep the segments from going.
func TestCheckpointFails(t *testing.T) {
	logged := newLogs()
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, Logger: logged.get}, func(t *tuning) {
		t.checkpointInterval = time.Millisecond
	})
	blocker := filepath.Join(dir, checkpointName)
	if err := errors.Join(os.Remove(blocker), os.MkdirAll(filepath.Join(blocker, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	appendTest(t, s, 0, 10)
	s.suspect.Store(true)
	appendTest(t, s, 10, 11)
	entries := nextTest(t, s, 100)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	eventually(t, "a report", func() bool { return len(logged.find("the spool cannot write its checkpoint")) == 1 })
	eventually(t, "one segment", func() bool { return len(segments(t, dir)) == 1 })
	_ = os.RemoveAll(blocker) // the keeper may be quicker with what is left of it
	eventually(t, "a report", func() bool { return len(logged.find("the spool writes its checkpoint")) == 1 })
}

// Nor when it leaves memory while the reader looks for it, if it can be read.
func TestRemovedInPartAndOverflow(t *testing.T) {
	logged := newLogs()
	r := record{events: appendEvent(nil, &Event{Subject: "s", MessageID: "1"})}
	var whileOpening func()
	s := openTest(t, Options{Dir: t.TempDir(), Logger: logged.get}, noCheckpoints, smallQueue(3*r.size()), func(tuned *tuning) {
		tuned.openSegment = func(name string) (badblock.File, error) {
			if do := whileOpening; do != nil {
				whileOpening = nil
				do()
			}
			return badblock.OpenFile(name)
		}
	})
	ends := []int64{firstRecord}
	appendIDs := func(from, to int) {
		for n := from; n < to; n++ {
			if err := s.Append(Event{Subject: "s", MessageID: strconv.Itoa(n)}); err != nil {
				t.Fatal(err)
			}
			_, end := s.log.End()
			ends = append(ends, end)
		}
	}
	appendIDs(0, 4)
	inNewSegment(s)
	appendIDs(4, 5)
	content := read(t, segments(t, s.dir)[0])
	for _, at := range ends[:3] {
		content[at+recordBody] ^= 1
	}
	write(t, segments(t, s.dir)[0], content)
	whileOpening = func() { appendIDs(5, 8) }
	if got := ids(t, pending(t, s)); !slices.Equal(got, allIDs(3, 8)) || logged.lost() != 3 {
		t.Errorf("got events %v, and %d are reported as lost", got, logged.lost())
	}
}

// A full spool whose last segment somebody removes takes nothing that would be lost.
func TestRemovedFromFull(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, MaxSize: 1 << 20}, noCheckpoints)
	large, last := Event{Subject: "s", Body: noise(20_000)}, 7
	for currentSegment(s).Number < last {
		if err := s.Append(large); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(currentSegment(s).Name(dir)); err != nil {
		t.Fatal(err)
	}
	(&keeper{Spool: s}).guard()
	if err := s.Append(testEvent(0)); !errors.Is(err, ErrFull) {
		t.Errorf("appending to a file that is gone: got error %v", err)
	}
	if err := s.Stats().Failing; err != nil {
		t.Errorf("the stats say that it fails with %v", err)
	}
}

// That a file was removed is told, too, when it was not to be written any more.
func TestRemovedSuspect(t *testing.T) {
	logged := newLogs()
	s := openTest(t, Options{Dir: t.TempDir(), Logger: logged.get}, noCheckpoints)
	appendTest(t, s, 0, 10)
	inNewSegment(s)
	if err := os.Remove(currentSegment(s).Name(s.dir)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		(&keeper{Spool: s}).guard()
	}
	if got := len(logged.find("somebody has removed a file")); got != 1 {
		t.Errorf("the removal was logged %d times", got)
	}
}

// unsyncedTurn begins a segment whose name cannot be synced, and after that none.
type unsyncedTurn struct {
	segmentLog
	turns int
}

func (l *unsyncedTurn) Turn(size int64, after uint64, durable bool) error {
	if l.turns++; l.turns == 1 {
		return l.segmentLog.Turn(size, after, durable)
	}
	if l.turns == 2 {
		return errors.Join(l.segmentLog.Turn(size, after, durable), syscall.EIO)
	}
	return syscall.EIO
}

// A file that the spool itself has removed was not removed by somebody.
func TestRemovedByItself(t *testing.T) {
	logged := newLogs()
	s := openTest(t, Options{Dir: t.TempDir(), Logger: logged.get}, noCheckpoints,
		wrapped(func(log segmentLog) segmentLog { return &unsyncedTurn{segmentLog: log} }))
	appendTest(t, s, 0, 10)
	entries := pending(t, s)
	s.Acknowledge(entries[9].Sequence)
	s.retire(currentSegment(s))
	(&keeper{Spool: s}).guard()
	if got := logged.find("somebody has removed"); len(got) > 0 {
		t.Errorf("the lines are %v", got)
	}
}
