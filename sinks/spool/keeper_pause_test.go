// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestTurnThatFailsIsTriedAgainLater has a full disk, and a spool that is drained and so
// would like to begin anew: one try a tick is enough.
func TestTurnThatFailsIsTriedAgainLater(t *testing.T) {
	log := new(turnlessLog)
	s := openTest(t, Options{Dir: t.TempDir()}, wrapped(func(l segmentLog) segmentLog { log.segmentLog = l; return log }))
	log.full.Store(true)
	event := testEvent(1)
	event.Body = make([]byte, 60<<10)
	for full := false; !full; {
		full = s.Append(event) != nil
	}
	entries := pending(t, s)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	before := log.turns.Load()
	eventually(t, "a turn is tried again", func() bool { return log.turns.Load() >= before+4 })
	began := time.Now()
	before = log.turns.Load()
	eventually(t, "a turn is tried again", func() bool { return log.turns.Load() >= before+2 })
	if tries := log.turns.Load() - before; time.Since(began) < s.tuning.checkpointInterval/2 || tries > 4 {
		t.Errorf("%d tries within %s", tries, time.Since(began))
	}
}

// turnlessLog begins no segment while its disk is full.
type turnlessLog struct {
	segmentLog
	full  atomic.Bool
	turns atomic.Int64
}

func (l *turnlessLog) Turn(size int64, after uint64, durable bool) error {
	l.turns.Add(1)
	if l.full.Load() {
		return syscall.ENOSPC
	}
	return l.segmentLog.Turn(size, after, durable)
}

// TestTextIsLetGo has a reader catch up: what it has read from disk is not needed any more.
func TestTextIsLetGo(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff})
	appendTest(t, s, 0, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir, Sync: SyncOff})
	expect(t, nextTest(t, s, 100), numbered(0, 3))
	if len(s.reader.memory) == 0 {
		t.Error("nothing was read from the disk: the test has lost its point")
	}
	appendTest(t, s, 3, 4)
	expect(t, nextTest(t, s, 100), numbered(3, 4))
	if held := cap(s.reader.memory); held != 0 {
		t.Errorf("the reader holds %d bytes", held)
	}
}
