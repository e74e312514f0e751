// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// badDisk cannot read some parts of segments.
type badDisk struct {
	mu    sync.Mutex
	parts map[string][]part   // by the name of the segment
	fails func(at int64) bool // fails a read besides; may be nil
	whole bool                // a read returns nothing of what lies before the bad part
	cause error
}

// part is a part of a file.
type part struct{ from, to int64 }

func newBadDisk() *badDisk {
	return &badDisk{parts: make(map[string][]part), cause: syscall.EIO}
}

func pagePart(page int) part {
	return part{int64(page) * pageSize, int64(page+1) * pageSize}
}

func (d *badDisk) spoil(segment string, parts ...part) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Base(segment)
	d.parts[name] = append(d.parts[name], parts...)
}

func (d *badDisk) mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.parts)
	d.fails = nil
}

func (d *badDisk) tune(t *tuning) {
	t.openSegment = func(name string) (badblock.File, error) {
		file, err := badblock.OpenFile(name)
		if err != nil {
			return nil, err
		}
		return &badFile{File: file, disk: d, name: name}, nil
	}
}

// readable returns how many of n bytes can be read before the first that cannot.
func (d *badDisk) readable(name string, at int64, n int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := at + int64(n)
	for _, bad := range d.parts[filepath.Base(name)] {
		if at < bad.to && bad.from < end {
			end = max(bad.from, at)
		}
	}
	failed := end < at+int64(n)
	if d.fails != nil && d.fails(at) {
		failed, end = true, at
	}
	if !failed {
		return n, nil
	}
	if d.whole {
		end = at
	}
	return int(end - at), &os.PathError{Op: "read", Path: name, Err: d.cause}
}

type badFile struct {
	badblock.File
	disk *badDisk
	name string
}

func (f *badFile) ReadAt(p []byte, at int64) (int, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	there := int(min(max(info.Size()-at, 0), int64(len(p))))
	n, bad := f.disk.readable(f.name, at, there)
	if n, err = f.File.ReadAt(p[:n], at); err != nil {
		return n, err
	}
	if bad == nil && n < len(p) {
		return n, io.EOF
	}
	return n, bad
}

// rough makes a spool of some runs, each with a segment of several pages, of records
// that lie within a page, cross into the next or are larger than one. It returns how
// many events there are.
func rough(t *testing.T, dir string, runs int) (count int) {
	t.Helper()
	for run := range runs {
		s := openTest(t, Options{Dir: dir, Sync: SyncOff})
		if run > 0 {
			inNewSegment(s)
		}
		for range 30 {
			appendRough(t, s, count)
			count++
		}
		s.Close()
	}
	return count
}

func appendRough(t *testing.T, s *Spool, n int) {
	t.Helper()
	e := testEvent(n)
	size := n * 977 % 9000
	if n%10 == 4 {
		size = pageSize + 3*badblock.BlockSize
	}
	e.Body = append(e.Body, noise(size)...)
	if err := s.Append(e); err != nil {
		t.Fatal(err)
	}
}

func allIDs(from, to int) []string {
	var all []string
	for n := from; n < to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

// extent is where a record lies, and the events in it.
type extent struct {
	part
	ids []string
}

// extents returns those of a segment.
func extents(t *testing.T, segment string) (found []extent) {
	t.Helper()
	log, err := wal.Open(filepath.Dir(segment))
	if err != nil {
		t.Fatal(err)
	}
	all := log.Segments()
	at := slices.IndexFunc(all, func(s wal.Segment) bool { return s.Name(filepath.Dir(segment)) == segment })
	records := wal.NewReader(read(t, segment), all[at])
	for end := int64(firstRecord); ; end = records.At() {
		next, ok := records.Next()
		if !ok {
			break
		}
		rec, err := decodeRecord(next)
		if err != nil {
			t.Fatal(err)
		}
		one := extent{part: part{end, records.At()}}
		for rec.count > 0 {
			e := rec.cutEvent()
			one.ids = append(one.ids, e.MessageID)
		}
		found = append(found, one)
	}
	if len(found) == 0 {
		t.Fatalf("%s has no records", segment)
	}
	return found
}

// pages is how many pages of a segment records lie in.
func pages(t *testing.T, segment string) int {
	t.Helper()
	all := extents(t, segment)
	return int((all[len(all)-1].to + pageSize - 1) / pageSize)
}

// lyingOn returns the events whose records lie on a part of a segment.
func lyingOn(t *testing.T, segment string, bad part) (lost []string) {
	t.Helper()
	for _, one := range extents(t, segment) {
		if one.from < bad.to && bad.from < one.to {
			lost = append(lost, one.ids...)
		}
	}
	return lost
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(some, id) })
}

// readOn calls Next until the last event has come, and counts the errors of the disk.
func readOn(t *testing.T, s *Spool, last string) (got []Entry, failed int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for !slices.ContainsFunc(got, func(e Entry) bool { return e.MessageID == last }) {
		entries, err := s.Next(ctx, nil, 7, 1<<30)
		got = append(got, entries...)
		if err == nil {
			continue
		}
		if failed++; !errors.Is(err, syscall.EIO) || failed > 1000 {
			t.Fatalf("got error %v, after %d others", err, failed-1)
		}
	}
	return got, failed
}

// readUntil takes what there is without waiting, until there is reason to stop.
func readUntil(t *testing.T, s *Spool, done func(got []Entry) bool) (got []Entry) {
	t.Helper()
	eventually(t, "everything is read", func() bool {
		s.reading.Lock()
		defer s.reading.Unlock()
		entries, err := s.reader.fill(nil, 7, 1<<30)
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		got = append(got, entries...)
		return done(got)
	})
	return got
}

// expectFailing calls Next so often, without getting anything but errors of the disk.
func expectFailing(t *testing.T, s *Spool, times int) {
	t.Helper()
	for range times {
		if got, err := s.Next(t.Context(), nil, 7, 1<<30); err == nil || len(got) > 0 {
			t.Fatalf("got events %v and error %v", ids(t, got), err)
		}
	}
}

// expectUntouched expects that nothing was given up.
func expectUntouched(t *testing.T, dir string, logged logs) {
	t.Helper()
	if got := logged.Len(); got != 0 {
		t.Errorf("%d lines were logged: %v", got, logged.All())
	}
	if _, err := os.Stat(filepath.Join(dir, DamagedFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a copy of a segment: %v", err)
	}
}

// impatient has blocks given up as soon as they have been tried often enough.
func impatient(t *tuning) {
	t.readPatience = 0
}

// wait makes what cannot be read be so for longer.
func wait(s *Spool, by time.Duration) {
	s.reading.Lock()
	defer s.reading.Unlock()
	before := s.tuning.now
	s.tuning.now = func() time.Time { return before().Add(by) }
}
