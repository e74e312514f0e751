// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// crowdedDisk has no room for another file while it is full.
type crowdedDisk struct {
	segmentLog
	isFull atomic.Bool
}

func (d *crowdedDisk) full() error {
	if d.isFull.Load() {
		return syscall.ENOSPC
	}
	return nil
}

func (d *crowdedDisk) Turn(size int64, after uint64, durable bool) error {
	if err := d.full(); err != nil {
		return err
	}
	return d.segmentLog.Turn(size, after, durable)
}

// A spool whose events are all acknowledged goes on in the file that it has when the disk
// has no room for another one.
func TestDrainedOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	disk := new(crowdedDisk)
	s := openTest(t, Options{Dir: dir, MaxSize: 1 << 20},
		wrapped(func(log segmentLog) segmentLog { disk.segmentLog = log; return disk }),
		func(tuned *tuning) {
			tuned.checkpointInterval = 10 * time.Millisecond
			tuned.probe = func(string) error { return disk.full() }
		})
	disk.isFull.Store(true)
	n := 0
	for s.Append(testEvent(n)) == nil {
		n++
	}
	if n < 100 || s.Stats().Failing == nil {
		t.Fatalf("%d events were taken, and the stats are %+v", n, s.Stats())
	}
	entries := pending(t, s)
	expect(t, entries, numbered(0, n))
	s.Acknowledge(entries[len(entries)-1].Sequence)
	disk.isFull.Store(false) // for the probe alone: there is no file to spare
	recovered(t, s, n+1)
	expect(t, pending(t, s), numbered(n+1, n+2))
	if err := s.Stats().Failing; err != nil {
		t.Errorf("the stats say that it fails with %v", err)
	}
	s.Close()
	expect(t, pending(t, openTest(t, Options{Dir: dir})), numbered(n+1, n+2))
}
