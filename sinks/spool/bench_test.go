// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"strings"
	"testing"
	"time"
)

// benchEvent is about the size of a page event.
func benchEvent() Event {
	return Event{
		Subject:   "segment.events.page",
		MessageID: "9b2e6f0e-8f0d-4a55-8f0f-3f8b7a6f5c1d",
		Body:      []byte(`{"type":"page","properties":{` + strings.Repeat(`"url":"https://example.com/","n":17,`, 17) + `}}`),
	}
}

// drain acknowledges what comes, as a forwarder that keeps up would.
func drain(ctx context.Context, s *Spool) {
	var entries []Entry
	for {
		var err error
		entries, err = s.Next(ctx, entries[:0], 1000, 1<<20)
		if err != nil {
			return
		}
		s.Acknowledge(entries[len(entries)-1].Sequence)
	}
}

func BenchmarkAppend(b *testing.B) {
	modes := []struct {
		name string
		sync time.Duration
	}{{"off", SyncOff}, {"interval", time.Second}, {"always", SyncAlways}}
	for _, mode := range modes {
		b.Run("sync="+mode.name, func(b *testing.B) {
			benchAppend(b, mode.sync, func(s *Spool, e Event) {
				for b.Loop() {
					if err := s.Append(e); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		b.Run("sync="+mode.name+"/parallel", func(b *testing.B) {
			benchAppend(b, mode.sync, func(s *Spool, e Event) {
				b.SetParallelism(128)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := s.Append(e); err != nil {
							b.Error(err)
						}
					}
				})
			})
		})
	}
}

// BenchmarkThrough takes one event after the other through the spool, all in one
// goroutine: what that allocates is the same each time. It is the copy that the
// reader is given, its block, the strings of the entry, and a place in the queue
// and in the list of ages, which are empty each time.
func BenchmarkThrough(b *testing.B) {
	s := openTest(b, Options{Dir: b.TempDir(), MaxSize: 4 << 30, Sync: SyncOff})
	e := benchEvent()
	var entries []Entry
	b.SetBytes(int64(len(e.Body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(e); err != nil {
			b.Fatal(err)
		}
		var err error
		if entries, err = s.Next(b.Context(), entries[:0], 1000, 1<<20); err != nil {
			b.Fatal(err)
		}
		s.Acknowledge(entries[len(entries)-1].Sequence)
	}
}

func benchAppend(b *testing.B, sync time.Duration, run func(*Spool, Event)) {
	b.Helper()
	s := openTest(b, Options{Dir: b.TempDir(), MaxSize: 4 << 30, Sync: sync})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		drain(ctx, s)
	}()
	e := benchEvent()
	b.SetBytes(int64(len(e.Body)))
	b.ReportAllocs()
	b.ResetTimer()
	run(s, e)
	b.StopTimer()
	cancel()
	<-done
	s.Close()
}

// BenchmarkReplay reads a backlog from the disk.
func BenchmarkReplay(b *testing.B) {
	s := openTest(b, Options{Dir: b.TempDir(), MaxSize: 16 << 30, Sync: SyncOff}, smallQueue(0))
	e := benchEvent()
	for range b.N {
		if err := s.Append(e); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(e.Body)))
	b.ReportAllocs()
	b.ResetTimer()
	var entries []Entry
	for read := 0; read < b.N; read += len(entries) {
		var err error
		if entries, err = s.Next(context.Background(), entries[:0], 1000, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}
