// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

const (
	lineUnread = "a part of the spool cannot be read"
	lineHarmed = "a file of the spool cannot be read to its end"
)

// expectKept expects that the segments of a spool are still what they were.
func expectKept(t *testing.T, original, dir string) {
	t.Helper()
	now := segments(t, dir)
	for i, name := range segments(t, original) {
		if !slices.Equal(read(t, now[i]), read(t, name)) {
			t.Errorf("%s was changed", now[i])
		}
	}
}

// Whatever cannot be read before the end of the log when the spool is opened, it opens.
// Nothing is lost if it can be read later, and what lies on it if not.
func TestOpenUnread(t *testing.T) {
	original := t.TempDir()
	count := rough(t, original, 2)
	for page := range pages(t, segments(t, original)[1]) - 1 {
		for name, mended := range map[string]bool{"for a while": true, "for good": false} {
			t.Run(fmt.Sprintf("page %d %s", page, name), func(t *testing.T) {
				dir := t.TempDir()
				copyDir(t, original, dir)
				segment := segments(t, dir)[1]
				disk := newBadDisk()
				disk.spoil(segment, pagePart(page))
				logged := newLogs()
				s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
				appendRough(t, s, count)
				if got := s.Stats().Events; got != uint64(count)+1 {
					t.Errorf("%d events are waiting, want %d", got, count+1)
				}
				lost := lyingOn(t, segment, pagePart(page))
				if mended {
					disk.mend()
					lost = nil
				}
				got, _ := readOn(t, s, fmt.Sprint(count))
				if want := without(allIDs(0, count+1), lost); !slices.Equal(ids(t, got), want) {
					t.Errorf("got events %v, want %v", ids(t, got), want)
				}
				if got := got[len(got)-1].Sequence; got != uint64(count)+1 {
					t.Errorf("the event appended last has the sequence %d", got)
				}
				if got := int(logged.lost()); got != len(lost) || len(logged.find(lineUnread)) != 1 {
					t.Errorf("%d events are reported as lost, want %d: %v", got, len(lost), logged.All())
				}
				expectKept(t, original, dir)
			})
		}
	}
}

// Of an end that cannot be read nobody knows which sequences it holds. It is said that
// something may be lost, another segment is begun, and what can be read later is handed out.
func TestOpenUnreadEnd(t *testing.T) {
	original := t.TempDir()
	count := rough(t, original, 2)
	for name, mended := range map[string]bool{"for a while": true, "for good": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyDir(t, original, dir)
			segment := segments(t, dir)[1]
			last := pagePart(pages(t, segment) - 1)
			lost := lyingOn(t, segment, last)
			disk := newBadDisk()
			disk.spoil(segment, last)
			logged := newLogs()
			s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
			if len(logged.find(lineHarmed)) != 1 {
				t.Errorf("the lines are %v", logged.All())
			}
			if mended {
				disk.mend()
				lost = nil
			}
			appendRough(t, s, count)
			got, _ := readOn(t, s, fmt.Sprint(count))
			if want := without(allIDs(0, count+1), lost); !slices.Equal(ids(t, got), want) {
				t.Errorf("got events %v, want %v", ids(t, got), want)
			}
			if got := got[len(got)-1].Sequence; got <= uint64(count) {
				t.Errorf("the event appended last has the sequence %d", got)
			}
		})
	}
}

// A torn end is written over, and a bad page before it does not matter.
func TestOpenUnreadTorn(t *testing.T) {
	original := t.TempDir()
	count := rough(t, original, 1)
	name := segments(t, original)[0]
	all := extents(t, name)
	last := all[len(all)-1]
	content := read(t, name)
	clear(content[last.from+30 : last.to])
	write(t, name, content)
	if err := (checkpoint{}).write(original, true); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]part{"sound": {}, "a page before it": pagePart(0)} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			copyDir(t, original, dir)
			disk := newBadDisk()
			disk.spoil(segments(t, dir)[0], bad)
			s := openTest(t, Options{Dir: dir, Sync: SyncOff}, disk.tune)
			disk.mend()
			appendRough(t, s, count)
			got, _ := readOn(t, s, fmt.Sprint(count))
			if want := without(allIDs(0, count+1), last.ids); !slices.Equal(ids(t, got), want) {
				t.Errorf("got events %v, want %v", ids(t, got), want)
			}
		})
	}
}

// However much cannot be read, the last event is found if it can be.
func TestFindEndUnread(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 1)
	disk := newBadDisk()
	segment := segments(t, dir)[0]
	for page := range pages(t, segment) - 1 {
		disk.spoil(segment, pagePart(page))
	}
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var tuned tuning
	disk.tune(&tuned)
	end, err := findEnd(dir, tuned.openSegment, log.Segments(), 0)
	if err != nil || end.last != uint64(count) || end.unknown || !errors.Is(end.unread, syscall.EIO) {
		t.Errorf("got %+v, error %v", end, err)
	}
}
