// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// crowdedDisk has no room for another file while it is full.
type crowdedDisk struct {
	segmentLog
	isFull   atomic.Bool
	restarts atomic.Int32
}

func (d *crowdedDisk) Restart(after uint64, durable bool) error {
	d.restarts.Add(1)
	return d.segmentLog.Restart(after, durable)
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

// A spool that may be larger than before, on a disk that has no room for that, begins anew
// once when it is drained.
func TestDrainedOnceOnFullDisk(t *testing.T) {
	disk := new(crowdedDisk)
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: 1 << 20, Sync: SyncOff},
		wrapped(func(log segmentLog) segmentLog { disk.segmentLog = log; return disk }))
	large := Event{Subject: "s", Body: noise(20_000)}
	for s.Append(large) == nil {
		continue
	}
	disk.isFull.Store(true)
	s.Configure(100<<20, SyncOff)
	entries := pending(t, s)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	eventually(t, "the spool begins anew", func() bool { return disk.restarts.Load() == 1 })
	for range 100 {
		signal(s.kick)
		eventually(t, "the keeper has seen that", func() bool { return len(s.kick) == 0 })
	}
	if got := disk.restarts.Load(); got != 1 {
		t.Errorf("it has begun anew %d times", got)
	}
	if err := s.Append(testEvent(1)); err != nil {
		t.Error(err)
	}
}

// What is kept for whoever looks into damage is not written over.
func TestDrainedAndPreserved(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: wal.MinSegment}, noCheckpoints, smallQueue(0))
	appendTest(t, s, 0, 10)
	name := wal.Name(s.dir, 0)
	content := read(t, name)
	content[firstRecord+recordBody] ^= 1
	write(t, name, content)
	entries := pending(t, s)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	kept := filepath.Join(s.dir, DamagedFolder, filepath.Base(name))
	before := read(t, kept)[:usedOf(content)]
	e := Event{Subject: "s", Body: noise(1_000)}
	for currentSegment(s) == 0 {
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
		entries := pending(t, s)
		s.Acknowledge(entries[len(entries)-1].Sequence)
	}
	if !bytes.Equal(read(t, kept)[:len(before)], before) {
		t.Error("it was written over")
	}
}
