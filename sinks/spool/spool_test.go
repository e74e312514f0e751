// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

func TestSpool(t *testing.T) {
	for name, sync := range map[string]time.Duration{
		"always": SyncAlways, "interval": time.Millisecond, "off": SyncOff,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir() + "/deeper/spool"
			s := openTest(t, Options{Dir: dir, Sync: sync})
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Fatalf("others may read the directory: %v, %v", info.Mode(), err)
			}
			appendTest(t, s, 0, 100)
			first := nextTest(t, s, 30)
			expect(t, first, numbered(0, 30))
			s.Acknowledge(first[19].Sequence)
			if got := s.Stats().Events; got != 80 {
				t.Errorf("%d events are waiting, want 80", got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			// What was handed out and not acknowledged comes again.
			s = openTest(t, Options{Dir: dir, Sync: sync})
			appendTest(t, s, 100, 110)
			if got, want := s.InDoubt(), uint64(30); got != want {
				t.Errorf("in doubt up to %d, want %d", got, want)
			}
			entries := pending(t, s)
			expect(t, entries, numbered(20, 110))
			s.Acknowledge(entries[len(entries)-1].Sequence)
			if got := s.Stats(); got.Events != 0 || !got.Oldest.IsZero() {
				t.Errorf("a drained spool has %+v", got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			s = openTest(t, Options{Dir: dir, Sync: sync})
			expect(t, pending(t, s), nil)
			appendTest(t, s, 110, 111)
			if got, next := s.InDoubt(), pending(t, s)[0].Sequence; got >= next {
				t.Errorf("a drained spool has doubts up to %d, before %d", got, next)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"directory": {MaxSize: 1},
		"size":      {Dir: t.TempDir()},
		"interval":  {Dir: t.TempDir(), MaxSize: 1, Sync: -2},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening %+v: got error %v", o, err)
		}
	}
}

func TestHeld(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	if _, err := tryOpen(Options{Dir: dir}); !errors.Is(err, ErrHeld) {
		t.Fatalf("opening a spool that is open: got error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openTest(t, Options{Dir: dir})
}

func TestClosed(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir()})
	waiting := make(chan error)
	go func() {
		_, err := s.Next(context.Background(), nil, 1, 1)
		waiting <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("next, when the spool is closed: got error %v", err)
	}
	if err := s.Append(testEvent(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("appending to a closed spool: got error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestNextBounds(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir()})
	for _, size := range []int{100, 100, 500, 10} {
		if err := s.Append(Event{Subject: "s", Body: make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
	}
	kept := make([]Entry, 1)
	for _, want := range []int{2, 1, 1} {
		entries, err := s.Next(context.Background(), kept, 10, 300)
		if err != nil || len(entries) != 1+want {
			t.Fatalf("got %d entries, want %d after the one that was there; error %v", len(entries), want, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Next(ctx, nil, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("next without a caller: got error %v", err)
	}
}

// Next returns when an event comes.
func TestNextWaits(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir()})
	done := make(chan []Entry)
	go func() {
		entries, _ := s.Next(context.Background(), nil, 1, 1)
		done <- entries
	}()
	appendTest(t, s, 0, 1)
	expect(t, <-done, []int{0})
}

// Many goroutines append at once, which makes groups.
func TestAppendGroups(t *testing.T) {
	for name, sync := range map[string]time.Duration{"always": SyncAlways, "off": SyncOff} {
		t.Run(name, func(t *testing.T) { testAppendGroups(t, sync) })
	}
}

func testAppendGroups(t *testing.T, mode time.Duration) {
	t.Helper()
	const callers, each = 64, 50
	s := openTest(t, Options{Dir: t.TempDir(), Sync: mode})
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := range each {
				if err := s.Append(testEvent(caller*each + n)); err != nil {
					t.Errorf("appending: %v", err)
				}
			}
		})
	}
	seen := make(map[int]bool)
	last := make([]int, callers)
	for len(seen) < callers*each {
		for _, e := range nextTest(t, s, 100) {
			n := numberOf(t, e)
			if seen[n] {
				t.Fatalf("event %d came twice", n)
			}
			seen[n] = true
			// What one caller appends one after the other stays in order.
			if n%each < last[n/each] {
				t.Fatalf("event %d came late", n)
			}
			last[n/each] = n % each
			s.Acknowledge(e.Sequence)
		}
	}
	all.Wait()
}

// Groups have bounds, and an event may be larger than them.
func TestAppendLarge(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, MaxSize: 64 << 20})
	body := make([]byte, 3*maxGroupBytes)
	for i := range body {
		body[i] = byte(i * i >> 7)
	}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if err := s.Append(Event{Subject: fmt.Sprint(n), Body: body}); err != nil {
				t.Errorf("appending: %v", err)
			}
		})
	}
	all.Wait()
	s.Close()
	s = openTest(t, Options{Dir: dir, MaxSize: 64 << 20})
	entries := pending(t, s)
	if len(entries) != 8 {
		t.Fatalf("got %d entries, want 8", len(entries))
	}
	for _, e := range entries {
		if string(e.Body) != string(body) {
			t.Fatal("a large body has changed")
		}
	}
}

// An event is copied: its caller may use the body again.
func TestAppendCopies(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir()})
	e := testEvent(7)
	body := string(e.Body)
	if err := s.Append(e); err != nil {
		t.Fatal(err)
	}
	clear(e.Body)
	if got := nextTest(t, s, 1)[0].Body; string(got) != body {
		t.Errorf("got the body %q", got)
	}
}

func TestConfigure(t *testing.T) {
	s, log := openFaulty(t, Options{Dir: t.TempDir(), MaxSize: wal.MinSegment, Sync: SyncOff})
	large := Event{Subject: "s", Body: make([]byte, wal.MinSegment)}
	if err := s.Append(large); !errors.Is(err, ErrFull) {
		t.Fatalf("appending more than there is room for: got error %v", err)
	}
	s.Configure(testSize, time.Millisecond) // syncs once
	if err := s.Append(large); err != nil {
		t.Fatalf("appending after the size was raised: %v", err)
	}
	if got := s.Stats().Capacity; got != testSize {
		t.Errorf("the capacity is %d", got)
	}
	eventually(t, "a sync at the new interval", func() bool { return log.syncs.Load() > 1 })
}

func TestOldest(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	s := openTest(t, Options{Dir: dir})
	if got := s.Stats().Oldest; !got.IsZero() {
		t.Errorf("an empty spool has an event of %v", got)
	}
	appendTest(t, s, 0, 1)
	between := time.Now()
	appendTest(t, s, 1, 2)
	check := func(when string, from, to time.Time) {
		t.Helper()
		if got := s.Stats().Oldest; got.Before(from) || got.After(to) {
			t.Errorf("%s: the oldest event is of %v, not between %v and %v", when, got, from, to)
		}
	}
	check("in memory", start, between)
	first := nextTest(t, s, 1)
	check("handed out", start, between)
	s.Acknowledge(first[0].Sequence)
	check("acknowledged", between, time.Now())
}
