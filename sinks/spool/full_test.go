// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

func TestFull(t *testing.T) {
	logged := newLogs()
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: 8 * pageSize, Sync: SyncOff, Logger: logged.get})
	e := Event{Subject: "s", Body: noise(20_000)}
	stored := 0
	fill := func() {
		t.Helper()
		var err error
		for err == nil {
			if err = s.Append(e); err == nil {
				stored++
			}
		}
		if !errors.Is(err, ErrFull) {
			t.Fatalf("filling the spool: got error %v", err)
		}
	}
	fill()
	if stats := s.Stats(); !stats.Full || stats.Bytes > stats.Capacity || stats.Bytes < stats.Capacity/2 {
		t.Errorf("a full spool has %+v", stats)
	}
	if got := len(logged.find("the spool is full")); got != 1 {
		t.Errorf("that it is full was logged %d times", got)
	}
	// An ack makes room without a restart.
	for range 3 {
		entries := nextTest(t, s, stored)
		s.Acknowledge(entries[len(entries)-1].Sequence)
		eventually(t, "room", func() bool { return s.Append(e) == nil })
		stored = 1
		fill()
	}
	lines := logged.find("the spool takes events again")
	if len(lines) != len(logged.find("the spool is full"))-1 || lines[0].ContextMap()["events_refused"].(uint64) == 0 {
		t.Errorf("that it works again was logged so: %v", lines)
	}
}

// An event that comes while the spool is full waits for an ack.
func TestFullWaits(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: 4 * pageSize, Sync: SyncOff})
	e := Event{Subject: "s", Body: noise(20_000)}
	for range 4 { // one a segment
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	entries := nextTest(t, s, 4)
	result := make(chan error)
	go func() { result <- s.insist(&e) }()
	eventually(t, "somebody who waits", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.trouble.changed != nil
	})
	s.Acknowledge(entries[len(entries)-1].Sequence)
	if err := <-result; err != nil && !errors.Is(err, ErrFull) {
		t.Errorf("got error %v", err)
	}
	eventually(t, "room", func() bool { return s.Append(e) == nil })
}

// The last ack makes room for an event that waits although there is only one segment.
func TestFullWaitsForSegment(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: wal.MinSegment, Sync: SyncOff}, noCheckpoints)
	e := Event{Subject: "s", Body: noise(1_000)}
	for s.Append(e) == nil {
		continue
	}
	entries := pending(t, s)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	if s.Stats().Full {
		t.Error("a spool that is drained says that it is full")
	}
	defer func() {
		if s.mu.Lock(); s.trouble.full {
			t.Error("it is full still when it has taken an event")
		}
		s.mu.Unlock()
	}()
	if err := s.Append(e); err != nil {
		t.Errorf("got error %v", err)
	}
}

// An event that waits for room is not tried again and again before there is any.
func TestFullIsQuiet(t *testing.T) {
	s, log := openFaulty(t, Options{Dir: t.TempDir(), MaxSize: 4 * pageSize, Sync: SyncOff})
	e := Event{Subject: "s", Body: noise(20_000)}
	for s.Append(e) == nil {
		continue
	}
	before := log.attempts.Load()
	if err := s.Append(e); !errors.Is(err, ErrFull) {
		t.Fatalf("got error %v", err)
	}
	if got := log.attempts.Load() - before; got > 5 {
		t.Errorf("it was tried %d times", got)
	}
}

// noise is of all bytes.
func noise(size int) []byte {
	body := make([]byte, size)
	state := uint32(1)
	for i := range body {
		state = state*1664525 + 1013904223
		body[i] = byte(state >> 24)
	}
	return body
}

// A reload that asks for syncs does not cost a spool that is nearly full the room it has.
func TestConfigureAlmostFull(t *testing.T) {
	const size = 1 << 20
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: size, Sync: SyncOff}, noCheckpoints)
	e := Event{Subject: "s", Body: noise(20_000)}
	for currentSegment(s).Number < 7 {
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	s.Configure(size, SyncAlways)
	if err := s.Append(e); err != nil {
		_, left := s.log.Usage()
		t.Errorf("with %d bytes left: %v", left, err)
	}
}

// What is left in a segment that is not to be written any more is no room.
func TestFullWithoutRoomToWrite(t *testing.T) {
	s, faulty := openFaulty(t, Options{Dir: t.TempDir(), MaxSize: 128 << 20, Sync: SyncOff}, noCheckpoints)
	e := Event{Subject: "s", Body: noise(20_000)}
	for currentSegment(s).Number < 1 {
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	s.Configure(16<<20, SyncOff)
	faulty.log.Store(true)
	if s.Append(e) == nil {
		t.Fatal("a broken disk took an event")
	}
	faulty.log.Store(false)
	(&keeper{Spool: s}).probe()
	if err := s.Append(e); !errors.Is(err, ErrFull) {
		t.Fatalf("got error %v", err)
	}
	if stats := s.Stats(); !stats.Full {
		t.Errorf("events find no room, and the stats are %+v", stats)
	}
}
