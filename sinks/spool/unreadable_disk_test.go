// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// A disk that takes no files either has another trouble than a bad page.
func TestBadPageOnBadDisk(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 2)
	segment := segments(t, dir)[0]
	disk := newBadDisk()
	disk.spoil(segment, pagePart(0))
	logged := newLogs()
	probes, broken := 0, true
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient, func(t *tuning) {
		t.probe = func(dir string) error {
			if probes++; broken {
				return &os.PathError{Op: "write", Path: dir, Err: syscall.EIO}
			}
			return Probe(dir)
		}
	})
	expectFailing(t, s, 10*leastTries)
	expectUntouched(t, dir, logged)
	if probes != 12 { // before the 5th, 9th, ..., 49th try
		t.Errorf("the disk was probed %d times, want 12", probes)
	}
	broken = false
	expectFailing(t, s, 2)
	got, _ := readOn(t, s, fmt.Sprint(count-1))
	lost := lyingOn(t, segment, pagePart(0))
	if want := without(allIDs(0, count), lost); !slices.Equal(ids(t, got), want) {
		t.Errorf("got events %v, want %v", ids(t, got), want)
	}
	expectLoss(t, logged, segment, len(lost))
}

// A full disk gets its room from what can be read behind a bad page.
func TestBadPageOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 2)
	segment := segments(t, dir)[0]
	disk := newBadDisk()
	disk.spoil(segment, pagePart(0))
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient, func(t *tuning) {
		t.probe = func(dir string) error {
			return &os.PathError{Op: "write", Path: dir, Err: syscall.ENOSPC}
		}
	})
	readOn(t, s, fmt.Sprint(count-1))
	expectLoss(t, logged, segment, len(lyingOn(t, segment, pagePart(0))))
	if _, err := os.Stat(filepath.Join(dir, probeName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left of the probe: %v", err)
	}
}

// The segment that is being written is no exception, nor is its end.
func TestBadPageWhileRunning(t *testing.T) {
	for name, choose := range map[string]func(last int) int{
		"first": func(int) int { return 0 },
		"last":  func(last int) int { return last },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			disk := newBadDisk()
			logged := newLogs()
			s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient, smallQueue(0))
			for n := range 30 {
				appendRough(t, s, n)
			}
			segment := segments(t, dir)[0]
			bad := pagePart(choose(pages(t, segment) - 1))
			lost := lyingOn(t, segment, bad)
			disk.spoil(segment, bad)
			got := readUntil(t, s, func([]Entry) bool { return len(logged.find("events in the spool")) > 0 })
			for n := range 5 {
				appendRough(t, s, 30+n)
			}
			entries, _ := readOn(t, s, "34")
			got = append(got, entries...)
			if want := without(allIDs(0, 35), lost); !slices.Equal(ids(t, got), want) {
				t.Errorf("got events %v, want %v", ids(t, got), want)
			}
			expectLoss(t, logged, segment, len(lost))
			s.Acknowledge(got[len(got)-1].Sequence)
			if got := s.Stats().Events; got != 0 {
				t.Errorf("%d events are waiting", got)
			}
		})
	}
}

// A segment that cannot be kept does not keep the others waiting.
func TestBadPageNotKept(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 2)
	write(t, filepath.Join(dir, DamagedFolder), nil)
	segment := segments(t, dir)[0]
	disk := newBadDisk()
	disk.spoil(segment, pagePart(1))
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
	got, _ := readOn(t, s, fmt.Sprint(count-1))
	lost := lyingOn(t, segment, pagePart(1))
	if want := without(allIDs(0, count), lost); !slices.Equal(ids(t, got), want) {
		t.Errorf("got events %v, want %v", ids(t, got), want)
	}
	lines := logged.find("events in the spool cannot be read")
	if len(lines) != 1 || lines[0].ContextMap()["copy_error"] == nil {
		t.Errorf("the lines are %v", lines)
	}
}
