// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// tightDisk has room for so many bytes.
type tightDisk struct {
	segmentLog
	dir      string
	capacity int64
	discards atomic.Int32
}

func openTight(t *testing.T, capacity, maxSize int64) (*Spool, *tightDisk) {
	t.Helper()
	disk := &tightDisk{dir: t.TempDir(), capacity: capacity}
	return openTest(t, Options{Dir: disk.dir, MaxSize: maxSize},
		wrapped(func(log segmentLog) segmentLog { disk.segmentLog = log; return disk }),
		func(tuned *tuning) {
			tuned.checkpointInterval = 10 * time.Millisecond
			tuned.probe = func(string) error { return disk.take(probeSize) }
		}), disk
}

// take tells whether there is room for more.
func (d *tightDisk) take(size int64) error {
	files, err := os.ReadDir(d.dir)
	for _, file := range files {
		if info, err := file.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
	}
	if err == nil && size > d.capacity {
		return syscall.ENOSPC
	}
	return err
}

// takeSpare tells whether there is a spare file of a size or room for it.
func (d *tightDisk) takeSpare(size int64) error {
	spare := filepath.Join(d.dir, "spare")
	info, err := os.Stat(spare)
	if err == nil && info.Size() == size {
		return nil
	}
	if err == nil {
		_ = os.Remove(spare) // as the log does
	}
	return d.take(size)
}

func (d *tightDisk) Turn(size int64, after uint64, durable bool) error {
	if err := d.takeSpare(size); err != nil {
		return err
	}
	return d.segmentLog.Turn(size, after, durable)
}

func (d *tightDisk) Prepare(size int64) error {
	if err := d.takeSpare(size); err != nil {
		return err
	}
	return d.segmentLog.Prepare(size)
}

func (d *tightDisk) Discard() error {
	d.discards.Add(1)
	return d.segmentLog.Discard()
}

func acknowledgeAll(t *testing.T, s *Spool) {
	t.Helper()
	if entries := pending(t, s); len(entries) > 0 {
		s.Acknowledge(entries[len(entries)-1].Sequence)
	}
}

// A spool whose events are all acknowledged goes on in the room that it has when the disk
// has none for another file. It is ready before an event comes.
func TestDrainedOnFullDisk(t *testing.T) {
	for name, capacity := range map[string]int64{"one segment": 1, "two segments": 2} {
		t.Run(name, func(t *testing.T) {
			const segment = 128 << 10
			s, disk := openTight(t, capacity*segment+segment/4, 1<<20)
			n := 0
			for s.Append(testEvent(n)) == nil {
				n++
			}
			if n < 100 || !errors.Is(s.Stats().Failing, syscall.ENOSPC) {
				t.Fatalf("%d events were taken, and the stats are %+v", n, s.Stats())
			}
			acknowledgeAll(t, s)
			if !s.Stats().Mended {
				t.Errorf("the stats are %+v", s.Stats())
			}
			if err := s.Append(testEvent(n + 1)); err != nil {
				t.Fatal(err)
			}
			if stats := s.Stats(); stats.Failing != nil || capacity == 1 && disk.discards.Load() != 1 {
				t.Errorf("the stats are %+v, and it has begun anew %d times", stats, disk.discards.Load())
			}
			s.Close()
			expect(t, pending(t, openTest(t, Options{Dir: disk.dir})), numbered(n+1, n+2))
		})
	}
}

// Also one that may be larger than before, on a disk that has no room for that.
func TestDrainedAndLargerOnFullDisk(t *testing.T) {
	s, _ := openTight(t, 1<<20+1<<19, 16<<20)
	e := Event{Subject: "s", Body: noise(20_000)}
	for n := range 400 {
		if n == 200 {
			s.Configure(128<<20, SyncAlways)
		}
		eventually(t, "an append", func() bool { return s.Append(e) == nil })
		acknowledgeAll(t, s)
	}
}

// What is kept for whoever looks into damage is not written over.
func TestDrainedAndPreserved(t *testing.T) {
	s := openTest(t, Options{Dir: t.TempDir(), MaxSize: wal.MinSegment}, noCheckpoints, smallQueue(0))
	appendTest(t, s, 0, 10)
	name := segments(t, s.dir)[0]
	content := read(t, name)
	content[firstRecord+recordBody] ^= 1
	write(t, name, content)
	entries := pending(t, s)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	kept := filepath.Join(s.dir, DamagedFolder, filepath.Base(name))
	before := read(t, kept)[:usedOf(content)]
	e := Event{Subject: "s", Body: noise(1_000)}
	for currentSegment(s).Number == 0 {
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
