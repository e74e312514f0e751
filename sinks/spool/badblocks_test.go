// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
)

// expectLoss expects one line about a loss, or none if there is none.
func expectLoss(t *testing.T, logged logs, segment string, lost int) {
	t.Helper()
	lines := logged.find("")
	if lost == 0 {
		if len(lines) > 0 {
			t.Errorf("nothing is lost, but there are lines: %v", lines)
		}
		return
	}
	if len(lines) != 1 || !strings.HasPrefix(lines[0].Message, "events in the spool cannot be read") {
		t.Fatalf("there is not one line about the loss: %v", lines)
	}
	fields := lines[0].ContextMap()
	if got := fields["events_lost"]; got != uint64(lost) {
		t.Errorf("%v events are reported as lost, want %d", got, lost)
	}
	if got := fmt.Sprint(fields["error"]); !strings.Contains(got, syscall.EIO.Error()) {
		t.Errorf("the cause is %q", got)
	}
	original, err := os.Stat(segment)
	if err != nil {
		t.Fatal(err)
	}
	if copied, err := os.Stat(fmt.Sprint(fields["copy"])); err != nil || !os.SameFile(copied, original) {
		t.Errorf("the segment is not kept in %v: %v", fields["copy"], err)
	}
}

// A page that cannot be read costs what lies on it, and is told of once.
func TestBadPage(t *testing.T) {
	original := t.TempDir()
	count := rough(t, original, 3)
	middle := filepath.Base(segments(t, original)[1])
	for page := range pages(t, filepath.Join(original, middle)) {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, %v", page, whole), func(t *testing.T) {
				dir := t.TempDir()
				copyDir(t, original, dir)
				segment := filepath.Join(dir, middle)
				disk := newBadDisk()
				disk.whole = whole
				disk.spoil(segment, pagePart(page))
				logged := newLogs()
				var told uint64
				s := openTest(t, Options{
					Dir: dir, Sync: SyncOff, Logger: logged.get,
					Lost: func(events uint64) { told += events },
				}, disk.tune, impatient)
				entries, failed := readOn(t, s, fmt.Sprint(count-1))
				lost := lyingOn(t, segment, pagePart(page))
				if got, want := ids(t, entries), without(allIDs(0, count), lost); !slices.Equal(got, want) {
					t.Errorf("got events %v, want %v", got, want)
				}
				// The first of them may have come behind events.
				if failed < leastTries-3 || failed > leastTries-1 {
					t.Errorf("the page was given up after %d errors", failed)
				}
				if int(told) != len(lost) || len(lost) == 0 {
					t.Errorf("%d events were told to be lost, and %d are", told, len(lost))
				}
				expectLoss(t, logged, segment, len(lost))
				s.Acknowledge(entries[len(entries)-1].Sequence)
				if got := s.Stats().Events; got != 0 {
					t.Errorf("%d events are waiting", got)
				}
			})
		}
	}
}

// A block that cannot be read leaves the other blocks of its page.
func TestBadBlock(t *testing.T) {
	original := t.TempDir()
	count := rough(t, original, 2)
	first := filepath.Base(segments(t, original)[0])
	saved := 0
	for at := int64(0); at < int64(pages(t, filepath.Join(original, first)))*pageSize; at += badblock.BlockSize {
		dir := t.TempDir()
		copyDir(t, original, dir)
		segment := filepath.Join(dir, first)
		disk := newBadDisk()
		bad := part{at + 512, at + 1024}
		disk.spoil(segment, bad)
		logged := newLogs()
		s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
		entries, _ := readOn(t, s, fmt.Sprint(count-1))
		got := ids(t, entries)
		if !slices.IsSortedFunc(entries, func(a, b Entry) int { return int(a.Sequence) - int(b.Sequence) }) {
			t.Errorf("block at %d: got events %v", at, got)
		}
		all, page := allIDs(0, count), at-at%pageSize
		// What follows the block in its page is found if a record tells where.
		for _, id := range without(all, lyingOn(t, segment, part{bad.from, page + pageSize})) {
			if !slices.Contains(got, id) {
				t.Errorf("block at %d: event %s is missing", at, id)
			}
		}
		for _, id := range lyingOn(t, segment, bad) {
			if slices.Contains(got, id) {
				t.Errorf("block at %d: event %s was read", at, id)
			}
		}
		saved += len(got) - len(without(all, lyingOn(t, segment, part{page, page + pageSize})))
		if lost := int(logged.lost()); len(got)+lost != count {
			t.Errorf("block at %d: got %d events, and %d are reported as lost", at, len(got), lost)
		}
		s.Close()
	}
	if saved == 0 {
		t.Error("the other blocks of a page were never of any use")
	}
}

// Many places take no longer than one, and each is reported by itself.
func TestBadPages(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 2)
	segment := segments(t, dir)[0]
	disk := newBadDisk()
	var lost []string
	for page := 1; page < pages(t, segment); page += 2 {
		disk.spoil(segment, pagePart(page))
		lost = append(lost, lyingOn(t, segment, pagePart(page))...)
	}
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
	entries, failed := readOn(t, s, fmt.Sprint(count-1))
	want := without(allIDs(0, count), lost)
	if got := ids(t, entries); !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
	if failed > leastTries-1 {
		t.Errorf("the pages were given up after %d errors", failed)
	}
	if got := int(logged.lost()); got != count-len(want) {
		t.Errorf("%d events are reported as lost, want %d", got, count-len(want))
	}
}

// The same page of another segment has its own time.
func TestBadPageOfNext(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 3)
	disk := newBadDisk()
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
	for _, segment := range segments(t, dir)[:2] {
		disk.spoil(segment, pagePart(0))
	}
	if _, failed := readOn(t, s, fmt.Sprint(count-1)); failed < 2*(leastTries-2) {
		t.Errorf("two pages were given up after %d errors", failed)
	}
	if got := len(logged.find("events in the spool cannot be read")); got != 2 {
		t.Errorf("there are %d lines: %v", got, logged.All())
	}
}

// A header that cannot be read costs nothing once it is given up.
func TestBadHeader(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 3)
	disk := newBadDisk()
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
	disk.spoil(segments(t, dir)[1], part{0, firstRecord})
	entries, _ := readOn(t, s, fmt.Sprint(count-1))
	if got, want := ids(t, entries), allIDs(0, count); !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
	expectUntouched(t, dir, logged)
}

// A segment that cannot even be opened is given up like a block, and the others are handed
// out. When it is the last, nobody knows what was in there.
func TestBadInode(t *testing.T) {
	for bad, want := range [][]int{numbered(5, 15), append(numbered(0, 5), numbered(10, 15)...), numbered(0, 10)} {
		t.Run(strconv.Itoa(bad), func(t *testing.T) {
			dir := t.TempDir()
			closedSpool(t, dir, 3, 5)
			name := segments(t, dir)[bad]
			logged := newLogs()
			s := openTest(t, Options{Dir: dir, Logger: logged.get}, noCheckpoints, impatient, func(t *tuning) {
				t.openSegment = func(segment string) (badblock.File, error) {
					if segment == name {
						return nil, syscall.EIO
					}
					return badblock.OpenFile(segment)
				}
			})
			appendTest(t, s, 20, 21)
			entries, failed := readOn(t, s, "20")
			expect(t, entries, append(want, 20))
			if failed < leastTries-2 || logged.lost() != 5 {
				t.Errorf("%d events are reported as lost after %d errors", logged.lost(), failed)
			}
		})
	}
}

// Until its time is over nothing is given up, and nothing is lost if the page can be
// read again by then.
func TestBadPagePatience(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 3)
	before := segments(t, dir)
	disk := newBadDisk()
	disk.spoil(before[1], pagePart(0))
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune)
	nextTest(t, s, 30) // of the first segment
	expectFailing(t, s, 10)
	wait(s, readPatience-10*time.Second)
	expectFailing(t, s, 10)
	if got := segments(t, dir); !slices.Equal(got[:3], before) {
		t.Errorf("the segments are %v, they were %v", got, before)
	}
	if got := s.Stats(); got.Events != uint64(count) || got.Failing != nil {
		t.Errorf("the stats are %+v", got)
	}
	expectUntouched(t, dir, logged)

	disk.mend()
	got, _ := readOn(t, s, fmt.Sprint(count-1))
	if want := allIDs(30, count); !slices.Equal(ids(t, got), want) {
		t.Errorf("got events %v, want %v", ids(t, got), want)
	}
	expectUntouched(t, dir, logged)
}

func TestBadPageTimeIsOver(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 3)
	segment := segments(t, dir)[1]
	disk := newBadDisk()
	disk.spoil(segment, pagePart(0))
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune)
	nextTest(t, s, 30)
	expectFailing(t, s, 1)
	// The time alone does not do: nobody may have asked for long.
	wait(s, time.Hour)
	expectFailing(t, s, leastTries-2)
	expectUntouched(t, dir, logged)
	got, _ := readOn(t, s, fmt.Sprint(count-1))
	lost := lyingOn(t, segment, pagePart(0))
	if want := without(allIDs(30, count), lost); !slices.Equal(ids(t, got), want) {
		t.Errorf("got events %v, want %v", ids(t, got), want)
	}
	expectLoss(t, logged, segment, len(lost))
}

// When a page can be read after all, nothing of its time is left.
func TestBadPageRecovers(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 1)
	segment := segments(t, dir)[0]
	last := pages(t, segment) - 1
	disk := newBadDisk()
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune)
	disk.spoil(segment, pagePart(1))
	var got []Entry
	read := func() (n int, err error) {
		entries, err := s.Next(t.Context(), nil, count, 1<<30)
		got = append(got, entries...)
		return len(entries), err
	}
	if n, err := read(); n == 0 || err != nil {
		t.Fatalf("got %d events and error %v of what lies before", n, err)
	}
	expectFailing(t, s, leastTries-2)
	disk.mend()
	disk.spoil(segment, pagePart(last))
	if n, err := read(); n == 0 || err != nil {
		t.Fatalf("got %d events and error %v of what lies between", n, err)
	}
	// The time of the first page is not that of the last.
	wait(s, time.Hour)
	expectFailing(t, s, leastTries-2)
	expectUntouched(t, dir, logged)

	disk.mend()
	entries, _ := readOn(t, s, fmt.Sprint(count-1))
	if got = append(got, entries...); !slices.Equal(ids(t, got), allIDs(0, count)) {
		t.Errorf("got events %v", ids(t, got))
	}
	expectUntouched(t, dir, logged)
}

// A disk that fails to read now and then costs nothing.
func TestBadReads(t *testing.T) {
	original := t.TempDir()
	count := rough(t, original, 3)
	failed := 0
	for seed := range uint64(20) {
		dir := t.TempDir()
		copyDir(t, original, dir)
		random := rand.New(rand.NewPCG(seed, 2))
		disk := newBadDisk()
		disk.whole = seed%2 == 0
		logged := newLogs()
		s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient)
		disk.mu.Lock()
		disk.fails = func(int64) bool {
			fails := random.IntN(4) == 0
			if fails {
				failed++
			}
			return fails
		}
		disk.mu.Unlock()
		got, _ := readOn(t, s, fmt.Sprint(count-1))
		if !slices.Equal(ids(t, got), allIDs(0, count)) {
			t.Errorf("got events %v after %d errors", ids(t, got), failed)
		}
		expectUntouched(t, dir, logged)
		s.Close()
	}
	if failed == 0 {
		t.Error("no read has failed: the test has tested nothing")
	}
}

// Other errors give nothing up, nor do they when a file is opened.
func TestBadPageNotRead(t *testing.T) {
	for name, cause := range map[string]error{
		"permission": syscall.EACCES, "memory": syscall.ENOMEM, "opening": syscall.EMFILE,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			count := rough(t, dir, 2)
			disk := newBadDisk()
			disk.cause = cause
			logged := newLogs()
			refused := false
			s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune, impatient, func(t *tuning) {
				open := t.openSegment
				t.openSegment = func(name string) (badblock.File, error) {
					if refused {
						return nil, &os.PathError{Op: "open", Path: name, Err: cause}
					}
					return open(name)
				}
			})
			refused = name == "opening"
			disk.spoil(segments(t, dir)[0], pagePart(0))
			expectFailing(t, s, 10*leastTries)
			expectUntouched(t, dir, logged)
			refused = false
			disk.mend()
			got, _ := readOn(t, s, fmt.Sprint(count-1))
			if !slices.Equal(ids(t, got), allIDs(0, count)) {
				t.Errorf("got events %v", ids(t, got))
			}
		})
	}
}

// A block that fails for the first time is not given up in the place of another, which had
// its time and can be read by now.
func TestBadBlockOfItsOwnTime(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 1)
	segment := segments(t, dir)[0]
	disk := newBadDisk()
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune)
	disk.spoil(segment, pagePart(1))
	got := nextTest(t, s, count) // what lies before it
	expectFailing(t, s, leastTries)
	wait(s, 2*readPatience)
	disk.mend()
	disk.spoil(segment, pagePart(2)) // for one try
	got = append(got, nextTest(t, s, count)...)
	expectFailing(t, s, 1)
	disk.mend()
	rest, _ := readOn(t, s, fmt.Sprint(count-1))
	if got := ids(t, append(got, rest...)); !slices.Equal(got, allIDs(0, count)) {
		t.Errorf("got events %v", got)
	}
	expectUntouched(t, dir, logged)
}

// Another block that fails now and then does not begin the time anew.
func TestBadBlocksThatAlternate(t *testing.T) {
	dir := t.TempDir()
	count := rough(t, dir, 1)
	segment := segments(t, dir)[0]
	disk := newBadDisk()
	logged := newLogs()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff, Logger: logged.get}, disk.tune)
	for try := 0; s.read.Load() < uint64(count); try++ {
		disk.mend()
		disk.spoil(segment, pagePart(2)) // always
		if try%4 == 0 {
			disk.spoil(segment, pagePart(1))
		}
		if _, err := s.Next(t.Context(), nil, count, 1<<30); try > 50 {
			t.Fatalf("nothing is given up: %v", err)
		}
		wait(s, readPatience)
	}
	expectLoss(t, logged, segment, len(lyingOn(t, segment, pagePart(2))))
}
