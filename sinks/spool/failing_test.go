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
	eventually(t, "an append after the fault", func() bool {
		(&keeper{Spool: s}).probe()
		return s.Append(testEvent(n)) == nil
	})
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

// While a spool fails, no event finds out whether it still does before the keeper has
// asked the disk.
func TestFailingProbes(t *testing.T) {
	s, faulty := openFaulty(t, Options{Dir: t.TempDir()}, noCheckpoints)
	faulty.log.Store(true)
	if s.Append(testEvent(0)) == nil {
		t.Fatal("a broken disk took an event")
	}
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
		(&keeper{Spool: s}).probe()
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

// releasingLog counts how often segments are let go of.
type releasingLog struct {
	segmentLog
	releases atomic.Int32
}

func (l *releasingLog) Release(before int, mayBeUsedAgain func(int) bool) (bool, error) {
	l.releases.Add(1)
	return l.segmentLog.Release(before, mayBeUsedAgain)
}

// An event that waits for a failing spool does not keep the keeper busy, though all events
// before are acknowledged.
func TestFailingAndDrained(t *testing.T) {
	releasing, faulty := new(releasingLog), new(faultyLog)
	s := openTest(t, Options{Dir: t.TempDir()}, noCheckpoints, wrapped(func(log segmentLog) segmentLog {
		releasing.segmentLog = log
		faulty.segmentLog = releasing
		return faulty
	}))
	appendTest(t, s, 0, 1)
	s.Acknowledge(nextTest(t, s, 1)[0].Sequence)
	faulty.log.Store(true)
	if s.Append(testEvent(1)) == nil {
		t.Fatal("a broken disk took an event")
	}
	before := releasing.releases.Load()
	if s.Append(testEvent(1)) == nil {
		t.Fatal("a broken disk took an event")
	}
	if got := releasing.releases.Load() - before; got > 5 {
		t.Errorf("one event had %d checkpoints written", got)
	}
}

// A disk that takes files and fails each record leaves no file for each attempt.
func TestFailingDoesNotFill(t *testing.T) {
	s, faulty := openFaulty(t, Options{Dir: t.TempDir(), MaxSize: 4 << 20}, noCheckpoints)
	appendTest(t, s, 0, 5)
	faulty.sync.Store(true)
	for range 30 {
		if s.Append(testEvent(5)) == nil {
			t.Fatal("a broken disk took an event")
		}
		(&keeper{Spool: s}).probe()
	}
	if got := len(segments(t, s.dir)); got > 2 {
		t.Errorf("5 events are in %d files", got)
	}
	faulty.sync.Store(false)
	recovered(t, s, 5)
	expect(t, pending(t, s), numbered(0, 6))
}

// cachedSync fails once, and says so until the next segment, as the log does.
type cachedSync struct {
	segmentLog
	fail bool
	err  error
}

func (l *cachedSync) Sync() error {
	if l.fail {
		l.fail, l.err = false, errDisk
	}
	return errors.Join(l.err, l.segmentLog.Sync())
}

func (l *cachedSync) Turn(size int64, after uint64, durable bool) error {
	err := l.segmentLog.Turn(size, after, durable)
	if err == nil {
		l.err = nil
	}
	return err
}

// A full spool whose disk is well again does not say at each event that it fails.
func TestFailedAndFull(t *testing.T) {
	log := new(cachedSync)
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: 1 << 20}, noCheckpoints,
		wrapped(func(l segmentLog) segmentLog { log.segmentLog = l; return log }))
	e := Event{Subject: "s", Body: noise(20_000)}
	for currentSegment(s).Number < 7 {
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	s.writing.Lock()
	log.fail = true
	s.writing.Unlock()
	if err := s.Append(e); !errors.Is(err, errDisk) {
		t.Fatalf("got error %v", err)
	}
	(&keeper{Spool: s}).probe()
	for range 3 {
		if err := s.Append(e); !errors.Is(err, ErrFull) || !s.Stats().Mended {
			t.Errorf("got error %v, and the stats are %+v", err, s.Stats())
		}
	}
}
