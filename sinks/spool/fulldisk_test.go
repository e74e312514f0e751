// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// crowdedDisk has no room but for what the segments of a spool took when it became so.
type crowdedDisk struct {
	segmentLog
	dir  string
	room atomic.Int64 // bytes that the segments may take; zero for any number
}

func (d *crowdedDisk) full() error {
	room := d.room.Load()
	if room == 0 {
		return nil
	}
	segments, err := listSegments(d.dir)
	if err != nil {
		return err
	}
	for _, segment := range segments {
		if info, err := os.Stat(wlog.SegmentName(d.dir, segment)); err == nil {
			room -= info.Size()
		}
	}
	if room < pageSize {
		return syscall.ENOSPC
	}
	return nil
}

func (d *crowdedDisk) Log(record []byte) error {
	if err := d.full(); err != nil {
		return err
	}
	return d.segmentLog.Log(record)
}

func (d *crowdedDisk) NextSegment() (int, error) {
	if err := d.full(); err != nil {
		return 0, err
	}
	return d.segmentLog.NextSegment()
}

func openCrowded(t *testing.T, o Options) (*Spool, *crowdedDisk) {
	t.Helper()
	disk := &crowdedDisk{dir: o.Dir}
	s := openTest(t, o,
		wrapped(func(log segmentLog) segmentLog { disk.segmentLog = log; return disk }),
		func(tuned *tuning) {
			tuned.checkpointInterval = 10 * time.Millisecond
			tuned.probe = func(dir string) error {
				if err := disk.full(); err != nil {
					return err
				}
				return Probe(dir)
			}
		})
	return s, disk
}

// crowd leaves no room but for what the spool has.
func (d *crowdedDisk) crowd(t *testing.T, s *Spool) {
	t.Helper()
	info, err := os.Stat(wlog.SegmentName(d.dir, currentSegment(s)))
	if err != nil {
		t.Fatal(err)
	}
	d.room.Store(info.Size())
}

// A spool whose events are all acknowledged gives a full disk back what they took, and
// goes on with it.
func TestDrainedOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	s, disk := openCrowded(t, Options{Dir: dir})
	appendTest(t, s, 0, 3000)
	disk.crowd(t, s)
	if err := s.Append(testEvent(3000)); err == nil {
		t.Fatal("a full disk took an event")
	}
	entries := pending(t, s)
	expect(t, entries, sequence(0, 3000))
	s.Acknowledge(entries[len(entries)-1].Position)
	recovered(t, s, 3001)
	expect(t, pending(t, s), sequence(3001, 3002))
	if err := s.Stats().Failing; err != nil {
		t.Errorf("the stats say that it fails with %v", err)
	}
	s.Close()
	expect(t, pending(t, openTest(t, Options{Dir: dir})), sequence(3001, 3002))
}
