// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
)

// faultyFiles fails some of the operations on the segments that are read, by their
// number. Only the goroutine that reads uses it.
type faultyFiles struct {
	done        int
	first, last int // of the operations that fail
}

// failFrom makes a number of operations fail from one on.
func (f *faultyFiles) failFrom(first, count int) {
	f.done, f.first, f.last = 0, first, first+count-1
}

func (f *faultyFiles) next() error {
	f.done++
	if f.first <= f.done && f.done <= f.last {
		return errDisk
	}
	return nil
}

func (f *faultyFiles) open(name string) (badblock.File, error) {
	if err := f.next(); err != nil {
		return nil, err
	}
	file, err := badblock.OpenFile(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f}, nil
}

func (f *faultyFiles) tune(t *tuning) {
	t.openSegment = f.open
}

type faultyFile struct {
	badblock.File
	faults *faultyFiles
}

func (f *faultyFile) Stat() (fs.FileInfo, error) {
	if err := f.faults.next(); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.faults.next(); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *faultyFile) ReadAt(p []byte, at int64) (int, error) {
	if err := f.faults.next(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, at)
}

// readAll calls Next until the last event has come, and counts its errors.
func readAll(t *testing.T, s *Spool, last string) (got []string, failed int) {
	t.Helper()
	for !slices.Contains(got, last) {
		entries, err := s.Next(t.Context(), nil, 1, 1<<30)
		got = append(got, ids(t, entries)...)
		if err == nil {
			continue
		}
		if failed++; !errors.Is(err, errDisk) || failed > 10 {
			t.Fatalf("got error %v, after %d others", err, failed-1)
		}
	}
	return got, failed
}

// Whatever operation fails, Next says so, and goes on when it works again: nothing is
// skipped, nothing comes twice, and what is damaged besides is counted as ever.
func TestUnreadable(t *testing.T) {
	original := t.TempDir()
	count := spread(t, original)
	harmed := t.TempDir()
	copyDir(t, original, harmed)
	content := read(t, segments(t, harmed)[0])
	content[5*pageSize+pageSize/2] ^= 1
	write(t, segments(t, harmed)[0], content)
	for name, source := range map[string]string{"whole": original, "damaged": harmed} {
		t.Run(name, func(t *testing.T) {
			attempt := func(first, faults int) (got []string, failed, operations int) {
				dir := t.TempDir()
				copyDir(t, source, dir)
				logged := newLogs()
				files := new(faultyFiles)
				s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, files.tune)
				files.failFrom(first, faults)
				got, failed = readAll(t, s, "60")
				if lost := int(logged.lost()); len(got)+lost != count {
					t.Fatalf("operation %d: got %d events, and %d are reported as lost", first, len(got), lost)
				}
				s.Close()
				return got, failed, files.done
			}
			want, _, operations := attempt(0, 0)
			if operations < 4 || len(want) == count != (name == "whole") {
				t.Fatalf("got %d events by %d operations", len(want), operations)
			}
			for first := 1; first <= operations; first++ {
				for _, faults := range []int{1, 4} {
					got, failed, _ := attempt(first, faults)
					if !slices.Equal(got, want) {
						t.Fatalf("operation %d: got %v, want %v", first, got, want)
					}
					if failed > faults {
						t.Fatalf("operation %d: Next failed %d times", first, failed)
					}
				}
			}
		})
	}
}

// deceitfulFile fails although it has read, as long as it is told to.
type deceitfulFile struct {
	badblock.File
	fails *atomic.Bool
}

func (f deceitfulFile) ReadAt(p []byte, at int64) (int, error) {
	if n, err := f.File.ReadAt(p, at); err != nil || !f.fails.Load() {
		return n, err
	}
	return 0, errDisk
}

// What an attempt that fails leaves in memory is not taken for what is in the segment.
func TestUnreadableInBetween(t *testing.T) {
	var fails atomic.Bool
	logged := newLogs()
	s := openTest(t, Options{Dir: t.TempDir(), Sync: SyncOff, Logger: logged.get}, smallQueue(0), func(t *tuning) {
		t.openSegment = func(name string) (badblock.File, error) {
			file, err := badblock.OpenFile(name)
			return deceitfulFile{file, &fails}, err
		}
	})
	for n := 0; n < 100; n += 10 {
		appendTest(t, s, n, n+10)
		fails.Store(true)
		for range 2 {
			if got, err := s.Next(t.Context(), nil, 10, 1<<30); !errors.Is(err, errDisk) {
				t.Fatalf("got %d events and error %v", len(got), err)
			}
		}
		fails.Store(false)
		expect(t, nextTest(t, s, 10), numbered(n, n+10))
	}
	if got := logged.Len(); got != 0 {
		t.Errorf("%d lines were logged: %v", got, logged.All())
	}
}

// As long as the files cannot be read, everything stays as it is.
func TestUnreadableForLong(t *testing.T) {
	logged := newLogs()
	dir := t.TempDir()
	var broken atomic.Bool
	s := openTest(t, Options{Dir: dir, Logger: logged.get}, smallQueue(0), func(t *tuning) {
		t.openSegment = func(name string) (badblock.File, error) {
			if broken.Load() {
				return nil, &os.PathError{Op: "open", Path: name, Err: errDisk}
			}
			return badblock.OpenFile(name)
		}
	})
	appendTest(t, s, 0, 5)
	s.suspect.Store(true)
	appendTest(t, s, 5, 10)
	before := segments(t, dir)
	broken.Store(true)
	for range 3 {
		if got, err := s.Next(t.Context(), nil, 10, 1<<30); !errors.Is(err, errDisk) || len(got) > 0 {
			t.Fatalf("got %d events and error %v", len(got), err)
		}
	}
	if got := s.Stats(); got.Events != 10 || got.Failing != nil {
		t.Errorf("the stats are %+v", got)
	}
	if got := segments(t, dir); !slices.Equal(got, before) {
		t.Errorf("the segments are %v, they were %v", got, before)
	}
	if _, err := os.Stat(filepath.Join(dir, DamagedFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a copy of a segment: %v", err)
	}
	appendTest(t, s, 10, 12)
	broken.Store(false)
	expect(t, pending(t, s), numbered(0, 12))
	if got := logged.Len(); got != 0 {
		t.Errorf("%d lines were logged: %v", got, logged.All())
	}
}
