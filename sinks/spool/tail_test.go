// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// threeRuns makes a spool of three segments with 1000 events each, of which none is
// acknowledged.
func threeRuns(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for run := range 3 {
		s := openTest(t, Options{Dir: dir, Sync: SyncOff}, noCheckpoints)
		if run > 0 {
			inNewSegment(s)
		}
		appendTest(t, s, 1000*run, 1000*(run+1))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// usedOf is where the records of a segment end.
func usedOf(content []byte) int {
	end := len(content)
	for content[end-1] == 0 {
		end--
	}
	return end
}

// Damage at the end of the log is not taken for a commit that a crash has cut off: it
// is reported, and what is left is kept.
func TestDamagedEnd(t *testing.T) {
	zeros := func(content []byte) []byte { return make([]byte, len(content)) }
	for name, test := range map[string]struct {
		harm  map[int]func([]byte) []byte // by segment
		first int                         // the most events that are handed out
		least int
	}{
		"a byte in the last record": {
			harm: map[int]func([]byte) []byte{2: func(content []byte) []byte {
				content[usedOf(content)-wal.RecordOverhead] ^= 0x40
				return content
			}},
			first: 2999, least: 2999,
		},
		"the last pages zero": {
			harm: map[int]func([]byte) []byte{2: func(content []byte) []byte {
				end := usedOf(content)
				clear(content[end-2*pageSize : end])
				return content
			}},
			first: 2999, least: 2000,
		},
		"the last segment zero":      {harm: map[int]func([]byte) []byte{2: zeros}, first: 2000, least: 2000},
		"the last two segments zero": {harm: map[int]func([]byte) []byte{1: zeros, 2: zeros}, first: 1000, least: 1000},
		"the last two segments noise": {
			harm: map[int]func([]byte) []byte{
				1: func(content []byte) []byte { return noise(len(content)) },
				2: func(content []byte) []byte { return noise(len(content)) },
			},
			first: 1000, least: 1000,
		},
		"everything noise": {
			harm: map[int]func([]byte) []byte{
				0: func(content []byte) []byte { return noise(len(content)) },
				1: func(content []byte) []byte { return noise(len(content)) },
				2: func(content []byte) []byte { return noise(len(content)) },
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := threeRuns(t)
			names, harmed := segments(t, dir), make(map[int][]byte)
			for i, harm := range test.harm {
				harmed[i] = harm(read(t, names[i]))
				write(t, names[i], harmed[i])
			}
			s, entries, logged := reopen(t, dir)
			if n := len(entries); n < test.least || n > test.first {
				t.Errorf("%d events are handed out, want %d to %d", n, test.least, test.first)
			}
			lines := logged.find(lineHarmed)
			if len(lines) != 1 {
				t.Fatalf("the damage was logged %d times: %v", len(lines), logged.All())
			}
			for i := range test.harm {
				if kept := read(t, filepath.Join(dir, DamagedFolder, filepath.Base(names[i]))); !bytes.Equal(kept, harmed[i]) {
					t.Errorf("%s is not kept", names[i])
				}
			}
			appendTest(t, s, 5000, 5010)
			expect(t, pending(t, s), numbered(5000, 5010))
			// The run before has said which event was its last.
			if got := int(logged.lost()); got != 3000-len(entries) {
				t.Errorf("%d events are counted as lost, and %d are there", got, len(entries))
			}
		})
	}
}

// A segment that was begun before a crash, and has no event, is written from its beginning.
func TestCrashAfterTurn(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	s := openTest(t, Options{Dir: dir}, noCheckpoints)
	appendTest(t, s, 0, 100)
	s.retire(currentSegment(s))
	copyDir(t, dir, crashed)
	s = openTest(t, Options{Dir: crashed})
	if segment, at := s.log.End(); segment.Number != 1 || at != firstRecord {
		t.Errorf("it goes on at %d of segment %d", at, segment.Number)
	}
	appendTest(t, s, 100, 102)
	expect(t, pending(t, s), numbered(0, 102))
}

// What a crash has left before damage at the end is handed out.
func TestCrashAndDamagedEnd(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	s := openTest(t, Options{Dir: dir}, noCheckpoints)
	appendTest(t, s, 0, 10)
	copyDir(t, dir, crashed)
	name := segments(t, crashed)[0]
	content := read(t, name)
	content[usedOf(content)-wal.RecordOverhead] ^= 0x40
	write(t, name, content)
	_, entries, _ := reopen(t, crashed)
	expect(t, entries, numbered(0, 9))
}
