// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// stallingLog does not return from a Sync while it is told not to.
type stallingLog struct {
	segmentLog
	mu      sync.Mutex
	until   chan struct{} // nil if it answers
	entered chan struct{} // has a token for every Sync that has not returned at once
}

func (l *stallingLog) Sync() error {
	l.mu.Lock()
	until := l.until
	l.mu.Unlock()
	if until != nil {
		l.entered <- struct{}{}
		<-until
	}
	return l.segmentLog.Sync()
}

func (l *stallingLog) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = make(chan struct{})
}

func (l *stallingLog) answer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until != nil {
		close(l.until)
		l.until = nil
	}
}

func openStalling(t *testing.T, o Options, after time.Duration) (*Spool, *stallingLog) {
	t.Helper()
	stalling := &stallingLog{entered: make(chan struct{}, 100)}
	s := openTest(t, o, wrapped(func(log segmentLog) segmentLog {
		stalling.segmentLog = log
		return stalling
	}), func(tuned *tuning) { tuned.stallAfter = after })
	t.Cleanup(stalling.answer) // before the spool is closed
	return s, stalling
}

// appending is an Append that is under way.
type appending struct {
	number int
	result chan error
}

// appendAside appends events at the same time, and waits until the group in a place
// has them all.
func appendAside(t *testing.T, s *Spool, from, to, place int) []appending {
	t.Helper()
	var all []appending
	for n := from; n < to; n++ {
		a := appending{n, make(chan error, 1)}
		all = append(all, a)
		go func() { a.result <- s.Append(testEvent(n)) }()
	}
	eventually(t, "the events are in a group", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.gathering) > place && s.gathering[place].count == to-from
	})
	return all
}

// answered returns the number of the event of the next that is answered, and how.
func answered(t *testing.T, all []appending) (number int, err error) {
	t.Helper()
	number = -1
	eventually(t, "an Append returns", func() bool {
		return slices.ContainsFunc(all, func(a appending) bool {
			select {
			case err = <-a.result:
				number = a.number
				return true
			default:
				return false
			}
		})
	})
	return number, err
}

// expectStalled expects so many to be refused because the disk does not answer.
func expectStalled(t *testing.T, all []appending, want int) {
	t.Helper()
	for range want {
		if n, err := answered(t, all); !errors.Is(err, ErrStalled) {
			t.Fatalf("event %d on a disk that does not answer: got error %v", n, err)
		}
	}
}

// A disk that does not answer keeps nobody waiting but the one who writes to it.
func TestStall(t *testing.T) {
	logged := newLogs()
	dir := t.TempDir()
	s, disk := openStalling(t, Options{Dir: dir, Logger: logged.get}, 200*time.Millisecond)
	appendTest(t, s, 0, 5)

	s.writing.Lock()
	disk.stall()
	first := appendAside(t, s, 5, 8, 0)
	s.writing.Unlock()
	<-disk.entered
	second := appendAside(t, s, 8, 10, 1)
	expectStalled(t, first, 2)
	expectStalled(t, second, 2)
	if err := s.Append(testEvent(10)); !errors.Is(err, ErrStalled) {
		t.Errorf("an event that comes later: got error %v", err)
	}
	if err := s.Stats().Failing; !errors.Is(err, ErrStalled) {
		t.Errorf("the stats say that it fails with %v", err)
	}
	expect(t, pending(t, s), numbered(0, 5))

	disk.answer()
	if n, err := answered(t, first); err != nil {
		t.Errorf("event %d, which the disk has taken: got error %v", n, err)
	}
	if err := s.Stats().Failing; err != nil {
		t.Errorf("the stats say that it fails with %v", err)
	}
	appendTest(t, s, 11, 13)
	expectSet(t, pending(t, s), []int{5, 6, 7, 11, 12})
	for message, want := range map[string]int{
		"the spool cannot be written":         1,
		"the spool takes events again":        1,
		"the spool's disk has answered late":  1,
		"events in the spool cannot be read ": 0,
	} {
		if got := len(logged.find(message)); got != want {
			t.Errorf("%q was logged %d times, want %d", message, got, want)
		}
	}
	late := logged.find("the spool's disk has answered late")[0].ContextMap()["events"]
	refused := logged.find("the spool takes events again")[0].ContextMap()["events_refused"]
	if late != int64(2) || refused != uint64(5) {
		t.Errorf("the log says %v events late of %v refused, want 2 of 5", late, refused)
	}
	s.Close()

	s = openTest(t, Options{Dir: dir})
	expectSet(t, pending(t, s), []int{0, 1, 2, 3, 4, 5, 6, 7, 11, 12})
}

// expectSet is for events that were appended at the same time.
func expectSet(t *testing.T, entries []Entry, want []int) {
	t.Helper()
	got := numbers(t, entries)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("got events %v, want %v", got, want)
	}
}

// What was not begun to be written when its callers were let go of never is.
func TestStallBeforeWriting(t *testing.T) {
	s, _ := openStalling(t, Options{Dir: t.TempDir()}, 20*time.Millisecond)
	s.writing.Lock() // as the keeper does while it waits for the disk
	all := appendAside(t, s, 0, 3, 0)
	expectStalled(t, all, 2)
	s.writing.Unlock()
	expectStalled(t, all, 1)
	if got := s.Stats().Events; got != 0 {
		t.Errorf("%d events are in the spool", got)
	}
	recovered(t, s, 3)
	appendTest(t, s, 4, 6)
	expect(t, pending(t, s), numbered(3, 6))
}

// A reload does not wait for a disk that does not answer.
func TestStallConfigure(t *testing.T) {
	s, disk := openStalling(t, Options{Dir: t.TempDir(), Sync: SyncOff}, 20*time.Millisecond)
	appendTest(t, s, 0, 2)
	disk.stall()
	s.Configure(testSize, SyncAlways)
	disk.answer()
	recovered(t, s, 2)
	expect(t, pending(t, s), numbered(0, 3))
}

// Whatever the disk does, an event that was taken is handed out once, and one that was
// refused not twice.
func TestStallUnderLoad(t *testing.T) {
	const callers, stalls = 16, 20
	s, disk := openStalling(t, Options{Dir: t.TempDir()}, 4*time.Millisecond)
	var mu sync.Mutex
	taken := make(map[int]bool) // by number; false if it was refused
	stop := make(chan struct{})
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := caller; ; n += callers {
				select {
				case <-stop:
					return
				default:
				}
				err := s.Append(testEvent(n))
				mu.Lock()
				taken[n] = err == nil
				mu.Unlock()
			}
		})
	}
	for range stalls {
		disk.stall()
		<-disk.entered
		eventually(t, "the stall is noticed", func() bool { return s.Stats().Failing != nil })
		disk.answer()
		eventually(t, "events are taken again", func() bool { return s.Stats().Failing == nil })
	}
	close(stop)
	all.Wait()

	found := make(map[int]bool)
	for _, n := range numbers(t, pending(t, s)) {
		if found[n] {
			t.Errorf("event %d is handed out twice", n)
		}
		found[n] = true
		if _, known := taken[n]; !known {
			t.Errorf("event %d was never appended", n)
		}
	}
	refused := 0
	for n, ok := range taken {
		if ok && !found[n] {
			t.Errorf("event %d was taken and is not handed out", n)
		}
		if !ok {
			refused++
		}
	}
	if refused == 0 || len(found) == 0 {
		t.Errorf("%d events were refused and %d handed out: the test has tested nothing", refused, len(found))
	}
}
