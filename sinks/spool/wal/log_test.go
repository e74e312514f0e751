// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const testSegment = 16 * pageSize

func openTest(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// content is what the record of a sequence holds. Some of them fill more than a page.
func content(sequence uint64) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%d,", sequence)), int(sequence*37%2000))
}

func appendTest(t testing.TB, l *Log, sequences ...uint64) {
	t.Helper()
	for _, sequence := range sequences {
		err := l.Append(sequence, content(sequence))
		if errors.Is(err, ErrNoRoom) {
			if err = l.Turn(testSegment, sequence-1, true); err == nil {
				err = l.Append(sequence, content(sequence))
			}
		}
		if err == nil {
			err = l.Sync()
		}
		if err != nil {
			t.Fatalf("record %d: %v", sequence, err)
		}
	}
}

// found is what can be read of a segment.
type found struct {
	sequences []uint64
	at        []int64 // where each record ends
	damaged   bool
	rest      Rest
}

func readTest(t testing.TB, dir string, segment Segment) found {
	t.Helper()
	text, err := os.ReadFile(segment.Name(dir))
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(text, segment)
	var f found
	for last := r.Last(); ; {
		record, ok := r.Next()
		if !ok {
			break
		}
		if !bytes.Equal(record.Content, content(record.Sequence)) {
			t.Fatalf("record %d of segment %d is not what was written", record.Sequence, segment.Number)
		}
		f.damaged = f.damaged || record.Sequence != last+1
		last = record.Sequence
		f.sequences, f.at = append(f.sequences, record.Sequence), append(f.at, r.At())
	}
	f.rest = r.Rest()
	return f
}

func upTo(n uint64) []uint64 {
	all := make([]uint64, 0, n)
	for i := uint64(1); i <= n; i++ {
		all = append(all, i)
	}
	return all
}

func TestLog(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, upTo(200)...)
	var all []uint64
	for _, segment := range l.Segments() {
		f := readTest(t, dir, segment)
		if f.damaged || f.rest != Nothing {
			t.Errorf("segment %d: %+v", segment.Number, f)
		}
		all = append(all, f.sequences...)
		if info, _ := os.Stat(segment.Name(dir)); info.Size() != testSegment {
			t.Errorf("segment %d has %d bytes", segment.Number, info.Size())
		}
	}
	if !slices.Equal(all, upTo(200)) {
		t.Errorf("read %v", all)
	}
}

// TestContinue closes and opens a log again and again, with a record cut off at its end
// each time.
func TestContinue(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	for sequence := uint64(1); sequence <= 60; sequence++ {
		appendTest(t, l, sequence)
		segment, at := l.End()
		torn := appendRecord(nil, segment.life, sequence+1, content(sequence+1))
		torn = torn[:min(len(torn)-markSize-1, lifeAt+markSize+int(sequence)*100)]
		if at+int64(len(torn)) < testSegment {
			if _, err := l.file.WriteAt(torn, at); err != nil {
				t.Fatal(err)
			}
			if f := readTest(t, dir, segment); f.rest != Torn || f.damaged {
				t.Fatalf("after %d: %+v", sequence, f)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, dir)
		if err := l.Continue(at); err != nil {
			t.Fatal(err)
		}
		if f := readTest(t, dir, segment); f.rest != Nothing || f.damaged {
			t.Fatalf("after %d and a restart: %+v", sequence, f)
		}
	}
	var all []uint64
	for _, segment := range l.Segments() {
		all = append(all, readTest(t, dir, segment).sequences...)
	}
	if !slices.Equal(all, upTo(60)) {
		t.Errorf("read %v", all)
	}
}

// TestFormerLife is the property behind using files again: whatever happens to one,
// nothing of a former life is read as a record of this one, and what is whole is read.
func TestFormerLife(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	dir := t.TempDir()
	l := openTest(t, dir)
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	for range 400 {
		first := sequence + 1
		for {
			if err := l.Append(sequence+1, content(sequence+1)); errors.Is(err, ErrNoRoom) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			sequence++
			if rng.IntN(10) == 0 {
				break
			}
		}
		segment, _ := l.End()
		checkDamaged(t, rng, dir, segment, first, sequence)
		if err := l.Turn(testSegment, sequence, false); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Release(segment.Number+1, func(int) bool { return true }); err != nil {
			t.Fatal(err)
		}
		if f := readTest(t, dir, l.Segments()[0]); len(f.sequences) > 0 || f.damaged || f.rest != Nothing {
			t.Fatalf("a segment that begins: %+v", f)
		}
	}
}

// checkDamaged spoils a copy of a segment, by bytes, by blocks and by cutting it, and
// wants all records that are whole, none else, and word of the damage if there is a
// record behind it.
func checkDamaged(t *testing.T, rng *rand.Rand, dir string, segment Segment, first, last uint64) {
	t.Helper()
	whole := readTest(t, dir, segment)
	if whole.damaged || whole.rest != Nothing || uint64(len(whole.sequences)) != last-first+1 {
		t.Fatalf("segment %d: %+v, want %d to %d", segment.Number, whole, first, last)
	}
	text, err := os.ReadFile(segment.Name(dir))
	if err != nil {
		t.Fatal(err)
	}
	from := rng.IntN(len(text))
	to := from + 1
	switch rng.IntN(3) {
	case 0:
		text[from] ^= byte(1 + rng.IntN(255))
	case 1:
		from -= from % pageSize
		to = from + pageSize
		clear(text[from:to])
	default:
		to = len(text)
		text = text[:from]
	}
	copied := t.TempDir()
	if err := os.WriteFile(segment.Name(copied), text, 0o600); err != nil {
		t.Fatal(err)
	}
	got := readTest(t, copied, segment)
	var want []uint64
	start, behind := int64(pageSize), false
	for i, end := range whole.at {
		if spoilt := int64(from) < end && start < int64(to); !spoilt {
			want = append(want, whole.sequences[i])
			behind = behind || int64(to) <= start && int64(from) >= pageSize
		}
		start = end
	}
	if !slices.Equal(got.sequences, want) {
		t.Fatalf("bytes %d to %d of segment %d: read %v, want %v", from, to, segment.Number, got.sequences, want)
	}
	if behind && len(want) < len(whole.at) && !got.damaged {
		t.Fatalf("bytes %d to %d of segment %d: nothing is said of the damage", from, to, segment.Number)
	}
}

// TestHarmedEnd damages each byte of the last record.
func TestHarmedEnd(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, 1, 2)
	segment, end := l.End()
	text, err := os.ReadFile(segment.Name(dir))
	if err != nil {
		t.Fatal(err)
	}
	start := readTest(t, dir, segment).at[0]
	for at := start; at < end; at++ {
		spoilt := bytes.Clone(text)
		spoilt[at] ^= 0x10
		if err := os.WriteFile(segment.Name(dir), spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		f := readTest(t, dir, segment)
		// The mark behind a record is of no use to the record itself.
		if want := at < end-markSize; want != (len(f.sequences) == 1) || want && f.rest != Harmed {
			t.Fatalf("byte %d of %d to %d: %+v", at, start, end, f)
		}
	}
}

// TestSyncOnce does not sync again what could not be synced.
func TestSyncOnce(t *testing.T) {
	l := openTest(t, t.TempDir())
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, 1)
	if err := l.Append(2, content(2)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	failed := l.Sync()
	if failed == nil {
		t.Error("a file that is closed was synced")
	}
	if err := l.Sync(); !errors.Is(err, failed) {
		t.Errorf("what could not be synced was tried again: %v", err)
	}
	if err := l.Turn(testSegment, 2, true); err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(); err != nil {
		t.Errorf("another segment is not better: %v", err)
	}
}

// TestDiscard begins a segment in the room of the last, and tries again if that fails.
func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, 1, 2, 3)
	for range 2 {
		if err := l.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append(4, content(4)); err == nil {
		t.Error("a record was written to a file that is gone")
	}
	if err := l.Turn(testSegment, 3, true); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, 4)
	if f := readTest(t, dir, l.Segments()[0]); !slices.Equal(f.sequences, []uint64{4}) || f.damaged || f.rest != Nothing {
		t.Errorf("got %+v", f)
	}
	if _, err := l.Release(1, func(int) bool { return true }); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 1 || l.Segments()[0].Name(dir) != files[0] {
		t.Errorf("files %q, segments %v", files, l.Segments())
	}
}

func TestRelease(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	for range 4 {
		if err := l.Turn(testSegment, 0, false); err != nil {
			t.Fatal(err)
		}
	}
	if freed, err := l.Release(2, func(number int) bool { return number == 1 }); err != nil || !freed {
		t.Fatalf("freed %v, error %v", freed, err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	want := []string{l.Segments()[0].Name(dir), l.Segments()[1].Name(dir), filepath.Join(dir, spareName)}
	if !slices.Equal(files, want) {
		t.Errorf("the files are %q, want %q", files, want)
	}
}

// TestManySegments begins segments whose numbers need more room than names have for them.
func TestManySegments(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	l.newest = 99_999_998
	for sequence := range uint64(3) {
		if err := l.Turn(testSegment, sequence, false); err != nil {
			t.Fatal(err)
		}
		appendTest(t, l, sequence+1)
	}
	if got := openTest(t, dir).Segments(); !slices.Equal(got, l.Segments()) {
		t.Errorf("found %v, want %v", got, l.Segments())
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		file  string
		wants string
	}{
		"the first format":  {"00000003", "from another version"},
		"the second format": {"00000003.wal", "from another version"},
		"another number":    {"3.wal", "not a file of the spool"},
		"a number too big":  {"99999999999999999999999-0000000000000000-0000000000000001.wal", "not a file of the spool"},
		"no number":         {"-0000001-0000000000000000-0000000000000001.wal", "not a file of the spool"},
		"no life":           {"00000003-0000000000000000-0000000000000000.wal", "not a file of the spool"},
		"a longer name":     {"00000003-0000000000000000-0000000000000001.wal.wal", "not a file of the spool"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), test.wants) {
				t.Errorf("got %v, want %q", err, test.wants)
			}
		})
	}
}

// What was put back from a copy of the directory may have numbers that are used.
func TestOneNumberTwice(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := os.WriteFile(newSegment(3, 0, 1).Name(dir), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "the number of another") {
		t.Errorf("got %v", err)
	}
}

// A header that is not whole says nothing of the version.
func TestOtherVersions(t *testing.T) {
	for _, other := range []uint32{version - 1, version + 1} {
		dir := t.TempDir()
		text := append(header{magic, other, testSegment}.bytes(), make([]byte, testSegment-headerSize)...)
		name := newSegment(0, 0, testSegment).Name(dir)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v", err)
		}
		for at := range headerSize {
			text[at] ^= 1
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			openTest(t, dir)
			text[at] ^= 1
		}
	}
}

// What is in the place of the spare, and is none that is whole, is made anew.
func TestSpareIsChecked(t *testing.T) {
	for name, text := range map[string][]byte{
		"zeros":        make([]byte, testSegment),
		"another size": append(newHeader(2*testSegment).bytes(), make([]byte, testSegment-headerSize)...),
		"shorter":      newHeader(testSegment).bytes(),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, spareName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openTest(t, dir)
		if err := l.Turn(testSegment, 0, true); err != nil {
			t.Fatal(err)
		}
		appendTest(t, l, 1)
		if f := readTest(t, dir, l.Segments()[0]); len(f.sequences) != 1 || f.rest != Nothing {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}

// FuzzReader reads anything as a segment. It must not panic, and hand out nothing that
// is larger than the file.
func FuzzReader(f *testing.F) {
	text := append(newHeader(MinSegment).bytes(), make([]byte, MinSegment-headerSize)...)
	copy(text[pageSize:], appendRecord(appendRecord(nil, 5, 1, []byte("one")), 5, 2, []byte("two")))
	f.Add(text)
	f.Add(text[:pageSize+30])
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(text, Segment{life: 5})
		last := uint64(0)
		for {
			record, ok := r.Next()
			if !ok {
				break
			}
			if record.Sequence <= last || len(record.Content) > len(text) || r.At() > int64(len(text)) {
				t.Fatalf("record %d after %d, %d bytes, at %d", record.Sequence, last, len(record.Content), r.At())
			}
			last = record.Sequence
		}
		r.Rest()
	})
}

// TestSyncsOverlap has nobody believe that a record is on the disk while another is at it.
func TestSyncsOverlap(t *testing.T) {
	l := openTest(t, t.TempDir())
	if err := l.Turn(MaxSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	for sequence := uint64(1); sequence <= 20; sequence++ {
		if err := l.Append(sequence, make([]byte, 100<<10)); err != nil {
			t.Fatal(err)
		}
		first := make(chan error)
		go func() { first <- l.Sync() }()
		for l.dirty.Load() {
			runtime.Gosched()
		}
		err := l.Sync()
		if l.syncing.TryLock() {
			l.syncing.Unlock()
		} else {
			t.Error("a sync has returned while the one of the record was under way")
		}
		if err := errors.Join(err, <-first); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSyncAfterContinue syncs what the run before may have left in memory.
func TestSyncAfterContinue(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	if err := l.Turn(testSegment, 0, true); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(1, content(1)); err != nil {
		t.Fatal(err)
	}
	_, at := l.End()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir)
	if err := l.Continue(at); err != nil {
		t.Fatal(err)
	}
	if !l.dirty.Load() {
		t.Error("the next sync does nothing")
	}
}
