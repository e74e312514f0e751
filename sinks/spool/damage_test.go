// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// Whatever byte is damaged, the records before and after are there, and the
// events that are lost are counted.
func TestDamagedByte(t *testing.T) {
	dir := t.TempDir()
	closedSpoolOf(t, Options{Dir: dir, MaxSize: 8 * wal.MinSegment}, 3, 12)
	files := segments(t, dir)
	content := read(t, files[1])
	used := usedOf(content)
	for at := 0; at < used; at += 13 {
		damaged := t.TempDir()
		copyDir(t, dir, damaged)
		changed := slices.Clone(content)
		changed[at] ^= 0x55
		name := filepath.Join(damaged, filepath.Base(files[1]))
		write(t, name, changed)
		s, entries, logged := reopen(t, damaged)
		got := numbers(t, entries)
		if len(got) < 24 || !slices.IsSorted(got) {
			t.Fatalf("byte %d damaged: got events %v", at, got)
		}
		if lost := int(logged.lost()); len(got)+lost != 36 {
			t.Fatalf("byte %d damaged: got %d events, and %d are reported as lost", at, len(got), lost)
		}
		if lost := logged.find("events in the spool"); len(lost) > 0 {
			copied := lost[0].ContextMap()["copy"].(string)
			if string(read(t, copied)) != string(changed) {
				t.Fatalf("byte %d damaged: the copy is %v", at, copied)
			}
		}
		s.Close()
	}
}

// spread makes a segment of several pages, with records that cross them.
func spread(t *testing.T, dir string) (count int) {
	t.Helper()
	s := openTest(t, Options{Dir: dir, Sync: SyncOff})
	for n := range 60 {
		e := testEvent(n)
		e.Body = append(e.Body, noise(n*200)...)
		if err := s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = openTest(t, Options{Dir: dir, Sync: SyncOff})
	inNewSegment(s)
	appendTest(t, s, 60, 61)
	s.Close()
	return 61
}

// ids returns the numbers of events whose bodies are no test bodies.
func ids(t *testing.T, entries []Entry) []string {
	t.Helper()
	var all []string
	for _, e := range entries {
		all = append(all, e.MessageID)
	}
	return all
}

func TestDamagedPages(t *testing.T) {
	dir := t.TempDir()
	count := spread(t, dir)
	content := read(t, segments(t, dir)[0])
	pages := len(content) / pageSize
	if pages < 8 {
		t.Fatalf("there are only %d pages", pages)
	}
	damages := map[string]func(page []byte){
		"zeros":  func(page []byte) { clear(page) },
		"ones":   func(page []byte) { copy(page, strings.Repeat("\xff", pageSize)) },
		"header": func(page []byte) { page[1] ^= 0x3f },
		"type":   func(page []byte) { page[0] ^= 3 },
		"middle": func(page []byte) { page[pageSize/2] ^= 1 },
	}
	for name, harm := range damages {
		t.Run(name, func(t *testing.T) {
			for page := range pages {
				damaged := t.TempDir()
				copyDir(t, dir, damaged)
				changed := slices.Clone(content)
				harm(changed[page*pageSize : (page+1)*pageSize])
				write(t, segments(t, damaged)[0], changed)
				_, entries, logged := reopen(t, damaged)
				got := ids(t, entries)
				if lost := int(logged.lost()); len(got)+lost != count || lost > 25 && page > 2 {
					t.Errorf("page %d: got %d events, and %d are reported as lost", page, len(got), lost)
				}
				if got[len(got)-1] != fmt.Sprint(count-1) {
					t.Errorf("page %d: the last event is %s", page, got[len(got)-1])
				}
			}
		})
	}
}

// Damage in the segment that is being written is got over too.
func TestDamagedWhileRunning(t *testing.T) {
	logged := newLogs()
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, Logger: logged.get}, smallQueue(0))
	appendTest(t, s, 0, 10)
	_, half := s.log.End()
	appendTest(t, s, 10, 20)
	file, err := os.OpenFile(segments(t, dir)[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("nonsense, nonsense"), half+3); err != nil {
		t.Fatal(err)
	}
	file.Close()
	got := numbers(t, pending(t, s))
	if lost := int(logged.lost()); len(got)+lost != 20 || lost == 0 {
		t.Errorf("got %v, and %d events are reported as lost", got, lost)
	}
	appendTest(t, s, 20, 30)
	expect(t, pending(t, s), numbered(20, 30))
	s.Acknowledge(30)
	if got := s.Stats().Events; got != 0 {
		t.Errorf("%d events are waiting", got)
	}
}

func TestDamagedDirectory(t *testing.T) {
	remove := func(t *testing.T, names ...string) {
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	const each = 5
	tests := map[string]struct {
		harm func(t *testing.T, dir string, segments []string)
		want []int
		lost uint64
		line string
		err  string
	}{
		"hole": {
			harm: func(t *testing.T, _ string, s []string) { remove(t, s[1], s[2]) },
			want: append(numbered(0, 5), numbered(15, 20)...), lost: 10,
		},
		"first missing": {
			harm: func(t *testing.T, _ string, s []string) { remove(t, s[0]) },
			want: numbered(5, 20), line: "the checkpoint of the spool is older",
		},
		"last missing": {
			harm: func(t *testing.T, _ string, s []string) { remove(t, s[3]) },
			want: numbered(0, 15), lost: 5,
		},
		"all missing": {
			harm: func(t *testing.T, _ string, s []string) { remove(t, s...) },
			lost: 20,
		},
		"empty": {
			harm: func(t *testing.T, _ string, s []string) { write(t, s[1], nil) },
			want: append(numbered(0, 5), numbered(10, 20)...), lost: 5,
		},
		"last empty": {
			harm: func(t *testing.T, _ string, s []string) { write(t, s[3], nil) },
			want: numbered(0, 15), lost: 5,
		},
		"garbage": {
			harm: func(t *testing.T, _ string, s []string) { write(t, s[1], noise(100_000)) },
			want: append(numbered(0, 5), numbered(10, 20)...), lost: 5,
		},
		"last garbage": {
			harm: func(t *testing.T, _ string, s []string) { write(t, s[3], noise(3_000_000)) },
			want: numbered(0, 15), lost: 5,
		},
		"checkpoint garbage": {
			harm: func(t *testing.T, dir string, _ []string) { write(t, filepath.Join(dir, checkpointName), noise(21)) },
			want: numbered(0, 20), line: "the spool has no checkpoint",
		},
		"checkpoint missing": {
			harm: func(t *testing.T, dir string, _ []string) { remove(t, filepath.Join(dir, checkpointName)) },
			want: numbered(0, 20), line: "the spool has no checkpoint",
		},
		"checkpoint missing, first garbage": {
			harm: func(t *testing.T, dir string, s []string) {
				remove(t, filepath.Join(dir, checkpointName), s[0])
				write(t, s[1], noise(1000))
			},
			want: numbered(10, 20), lost: 5, line: "the spool has no checkpoint",
		},
		"leftovers": {
			harm: func(t *testing.T, dir string, _ []string) {
				for _, name := range []string{probeName, "spare", "readme.txt"} {
					write(t, filepath.Join(dir, name), []byte("?"))
				}
			},
			want: numbered(0, 20),
		},
		"strange name": {
			harm: func(t *testing.T, dir string, _ []string) { write(t, filepath.Join(dir, "17.wal"), nil) },
			err:  "not a file of the spool",
		},
		"old format": {
			harm: func(t *testing.T, dir string, _ []string) { write(t, filepath.Join(dir, "00000007"), []byte("?")) },
			err:  "from another version",
		},
		"folder": {
			harm: func(t *testing.T, _ string, s []string) {
				if err := errors.Join(os.Remove(s[2]), os.Mkdir(s[2], 0o700)); err != nil {
					t.Fatal(err)
				}
			},
			err: "not a regular file",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openTest(t, Options{Dir: dir})
			s.Close()
			if err := (checkpoint{}).write(dir, true); err != nil {
				t.Fatal(err)
			}
			closedSpool(t, dir, 4, each)
			test.harm(t, dir, segments(t, dir)[:4])
			logged := newLogs()
			s, err := tryOpen(Options{Dir: dir, Logger: logged.get})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			expect(t, pending(t, s), test.want)
			if test.line == "" || len(logged.find("events in the spool")) > 0 && test.lost > 0 {
				if got := logged.lost(); got != test.lost {
					t.Errorf("%d events are reported as lost, want %d", got, test.lost)
				}
			}
			if test.line != "" && len(logged.find(test.line)) == 0 {
				t.Errorf("there is no line about it: %v", logged.All())
			}
			appendTest(t, s, 100, 103)
			expect(t, pending(t, s), []int{100, 101, 102})
		})
	}
}

// No header is needed to read what is in the segments.
func TestHeadersAndCheckpointGone(t *testing.T) {
	s := recycling(t)
	dir := t.TempDir()
	copyDir(t, s.dir, dir)
	if err := os.Remove(filepath.Join(dir, checkpointName)); err != nil {
		t.Fatal(err)
	}
	for _, name := range segments(t, dir) {
		spoilHeader(t, name)
	}
	s, entries, logged := reopen(t, dir)
	expect(t, entries, numbered(10, 20))
	if len(logged.find(lineHarmed)) != 1 || logged.lost() != 0 {
		t.Errorf("the lines are %v", logged.All())
	}
	appendTest(t, s, 20, 22)
	expect(t, pending(t, s), numbered(20, 22))
}
