// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

var errDisk = errors.New("the disk is broken")

// faultyLog fails when it is told to.
type faultyLog struct {
	segmentLog
	log, sync, next atomic.Bool
	halves          atomic.Bool // a Log that fails has written
	attempts, syncs atomic.Int32
}

func (f *faultyLog) Append(sequence uint64, record []byte) error {
	f.attempts.Add(1)
	if f.log.Load() {
		if f.halves.Load() {
			return errors.Join(f.segmentLog.Append(sequence, record), errDisk)
		}
		return errDisk
	}
	return f.segmentLog.Append(sequence, record)
}

func (f *faultyLog) Sync() error {
	f.syncs.Add(1)
	if f.sync.Load() {
		return errDisk
	}
	return f.segmentLog.Sync()
}

func (f *faultyLog) Turn(size int64, after uint64, durable bool) error {
	if f.next.Load() {
		return errDisk
	}
	return f.segmentLog.Turn(size, after, durable)
}

func openFaulty(t *testing.T, o Options, change ...func(*tuning)) (*Spool, *faultyLog) {
	t.Helper()
	faulty := new(faultyLog)
	s := openTest(t, o, append(change, wrapped(func(log segmentLog) segmentLog {
		faulty.segmentLog = log
		return faulty
	}))...)
	return s, faulty
}

// recovered makes the spool find out at once that it works again.
func recovered(t *testing.T, s *Spool, n int) {
	t.Helper()
	eventually(t, "an append after the fault", func() bool { return s.Append(testEvent(n)) == nil })
}

// A spool that fails refuses events, says so once, and recovers by itself.
func TestFailing(t *testing.T) {
	faults := map[string]func(*faultyLog, bool){
		"log":         func(f *faultyLog, on bool) { f.log.Store(on) },
		"log, halves": func(f *faultyLog, on bool) { f.log.Store(on); f.halves.Store(on) },
		"sync":        func(f *faultyLog, on bool) { f.sync.Store(on) },
		"all":         func(f *faultyLog, on bool) { f.log.Store(on); f.sync.Store(on); f.next.Store(on) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			logged := newLogs()
			dir := t.TempDir()
			s, faulty := openFaulty(t, Options{Dir: dir, Logger: logged.get})
			appendTest(t, s, 0, 10)
			fault(faulty, true)
			const refused = 3
			for n := range refused {
				if err := s.Append(testEvent(1000 + n)); !errors.Is(err, errDisk) {
					t.Fatalf("appending to a broken disk: got error %v", err)
				}
			}
			if err := s.Stats().Failing; !errors.Is(err, errDisk) {
				t.Errorf("the stats say that it fails with %v", err)
			}
			fault(faulty, false)
			recovered(t, s, 10)
			appendTest(t, s, 11, 20)
			if err := s.Stats().Failing; err != nil {
				t.Errorf("the stats say that it fails with %v", err)
			}
			if got := s.Stats().Events; got != 20 {
				t.Errorf("%d events are waiting, want 20", got)
			}
			expect(t, pending(t, s), numbered(0, 20))
			if got := len(logged.find("the spool cannot be written")); got != 1 {
				t.Errorf("the fault was logged %d times", got)
			}
			if got := len(logged.find("the spool takes events again")); got != 1 {
				t.Errorf("the recovery was logged %d times", got)
			}
			if got := logged.lost(); got != 0 {
				t.Errorf("%d events are reported as lost", got)
			}
			s.Close()

			// A refused event may have come to the disk, but nothing else is wrong.
			s = openTest(t, Options{Dir: dir, Logger: logged.get})
			var got []Entry
			for _, e := range pending(t, s) {
				if numberOf(t, e) < 1000 {
					got = append(got, e)
				}
			}
			expect(t, got, numbered(0, 20))
		})
	}
}

// Events that failed are not handed out when the reader finds them on disk.
func TestFailingOnDisk(t *testing.T) {
	s, faulty := openFaulty(t, Options{Dir: t.TempDir()})
	s.mu.Lock()
	s.queue.max = 0
	s.mu.Unlock()
	appendTest(t, s, 0, 5)
	faulty.log.Store(true)
	faulty.halves.Store(true)
	if err := s.Append(testEvent(1000)); err == nil {
		t.Fatal("a broken disk took an event")
	}
	faulty.log.Store(false)
	recovered(t, s, 5)
	expect(t, pending(t, s), numbered(0, 6))
}

// One fault costs nobody an event: the record goes to the next segment.
func TestFailingOnce(t *testing.T) {
	dir := t.TempDir()
	var once atomic.Bool
	s := openTest(t, Options{Dir: dir}, wrapped(func(log segmentLog) segmentLog {
		return onceLog{log, &once}
	}))
	appendTest(t, s, 0, 5)
	once.Store(true)
	appendTest(t, s, 5, 10)
	s.Close()
	s = openTest(t, Options{Dir: dir})
	expect(t, pending(t, s), numbered(0, 10))
}

// onceLog writes a record and fails all the same, once.
type onceLog struct {
	segmentLog
	fail *atomic.Bool
}

func (o onceLog) Sync() error {
	if o.fail.Swap(false) {
		return errDisk
	}
	return o.segmentLog.Sync()
}

// A sync that fails in the background is found out as well.
func TestFailingInterval(t *testing.T) {
	logged := newLogs()
	s, faulty := openFaulty(t, Options{Dir: t.TempDir(), Sync: time.Millisecond, Logger: logged.get})
	faulty.sync.Store(true)
	appendTest(t, s, 0, 1)
	eventually(t, "a report", func() bool { return len(logged.find("the spool cannot be written")) == 1 })
	faulty.sync.Store(false)
	recovered(t, s, 1)
	expect(t, pending(t, s), numbered(0, 2))
}

// While a spool fails, only one event at a time finds out whether it still does.
func TestFailingProbes(t *testing.T) {
	s, faulty := openFaulty(t, Options{Dir: t.TempDir()})
	faulty.log.Store(true)
	if s.Append(testEvent(0)) == nil {
		t.Fatal("a broken disk took an event")
	}
	s.mu.Lock()
	s.trouble.probeAt = time.Now().Add(time.Hour)
	s.mu.Unlock()
	before := faulty.attempts.Load()
	for range 3 {
		if err := s.Append(testEvent(0)); !errors.Is(err, errDisk) {
			t.Fatalf("got error %v", err)
		}
	}
	if got := faulty.attempts.Load(); got != before {
		t.Errorf("%d attempts were made in the meantime", got-before)
	}
}

// A disk that does not get well does not get a file for every attempt.
func TestFailingFiles(t *testing.T) {
	dir := t.TempDir()
	s, faulty := openFaulty(t, Options{Dir: dir}, func(tuned *tuning) {
		tuned.probe = func(string) error { return errDisk }
	})
	appendTest(t, s, 0, 5)
	faulty.sync.Store(true)
	if s.Append(testEvent(5)) == nil {
		t.Fatal("a broken disk took an event")
	}
	before := len(segments(t, dir))
	for range 5 {
		s.mu.Lock()
		s.trouble.probeAt = time.Time{}
		s.mu.Unlock()
		if s.Append(testEvent(5)) == nil {
			t.Fatal("a broken disk took an event")
		}
	}
	if got := len(segments(t, dir)); got != before {
		t.Errorf("%d files became %d", before, got)
	}
	faulty.sync.Store(false)
}

// A spool that was made smaller than its segments are, and has failed, begins another
// segment all the same once nothing in it is needed: the old one goes at once.
func TestFailingAndMadeSmaller(t *testing.T) {
	dir := t.TempDir()
	s, faulty := openFaulty(t, Options{Dir: dir, Sync: SyncOff})
	appendTest(t, s, 0, 10)
	s.Configure(wal.MinSegment, SyncOff)
	faulty.log.Store(true)
	if s.Append(testEvent(10)) == nil {
		t.Fatal("a broken disk took an event")
	}
	faulty.log.Store(false)
	entries := nextTest(t, s, 10)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	recovered(t, s, 11)
	eventually(t, "the old segment is gone", func() bool { return s.Stats().Bytes <= wal.MinSegment })
	if stats := s.Stats(); stats.Full || stats.Failing != nil || len(segments(t, dir)) != 1 {
		t.Errorf("the stats are %+v", stats)
	}
}
