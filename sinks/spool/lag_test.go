// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// However far the reader lags, and however little memory holds, it is handed every
// event once and in order, over restarts too.
func TestLag(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		queue := []int{0, 300, 2000, 20_000, queueSize}[random.IntN(5)]
		l := lagging{random: random, dir: t.TempDir(), queue: queue}
		for range 3 {
			l.run(t)
		}
	}
}

type lagging struct {
	random *rand.Rand
	dir    string
	queue  int
	events int    // that were appended
	acked  uint64 // the last sequence
}

func (l *lagging) run(t *testing.T) {
	t.Helper()
	const callers = 4
	each := 200 + l.random.IntN(300)
	logged := newLogs()
	s := openTest(t, Options{Dir: l.dir, Sync: SyncOff, MaxSize: 32 * pageSize, Logger: logged.get}, func(t *tuning) {
		t.queueSize = l.queue
		t.checkpointInterval = time.Millisecond
	})
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := range each {
				for s.Append(testEvent(l.events+n*callers+caller)) != nil {
					continue // full
				}
			}
		})
	}
	goal := l.events + callers*each
	l.read(t, s, goal)
	all.Wait()
	l.events = goal
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := logged.lost(); got != 0 {
		t.Errorf("%d events are reported as lost", got)
	}
	s = openTest(t, Options{Dir: l.dir, Sync: SyncOff, MaxSize: 32 * pageSize})
	if s.acked != l.acked {
		t.Fatalf("reading goes on after %d, not after %d", s.acked, l.acked)
	}
	s.Close()
}

// read takes the events, often late, and leaves some without an ack.
func (l *lagging) read(t *testing.T, s *Spool, goal int) {
	t.Helper()
	window := 1 + l.random.IntN(200)
	want := l.acked + 1
	var held []Entry
	seen := make(map[uint64]bool, goal)
	for int(want) <= goal {
		if l.random.IntN(10) == 0 { // lag
			eventually(t, "more events", func() bool {
				stats := s.Stats()
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.committed >= min(uint64(goal), want+uint64(window)) || stats.Full
			})
		}
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		got, err := s.Next(ctx, nil, 1+l.random.IntN(50), 1+l.random.IntN(5000))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range got {
			if e.Sequence != want || seen[e.Sequence] {
				t.Fatalf("got sequence %d, want %d", e.Sequence, want)
			}
			seen[e.Sequence] = true
			numberOf(t, e)
			want++
		}
		held = append(held, got...)
		if len(held) > window {
			n := len(held) - l.random.IntN(window)
			l.acked = held[n-1].Sequence
			s.Acknowledge(held[n-1].Sequence)
			held = slices.Delete(held, 0, n)
		}
	}
	// What is not acknowledged still says what it said, whatever came after it.
	for _, e := range held {
		numberOf(t, e)
	}
}
