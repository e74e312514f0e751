// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// fuzzEvents are in the spool that FuzzRecovery damages: some in each of two runs.
const fuzzEvents = 8

// fuzzSize makes for the smallest segments, because each input writes them anew.
const fuzzSize = 8 * wal.MinSegment

// fuzzDir returns a directory in memory if there is such a place.
func fuzzDir(f *testing.F) string {
	f.Helper()
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "spool-fuzz-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			f.Error(err)
		}
	})
	return dir
}

// smallSpool returns the files of a spool, with one record that crosses a page.
func smallSpool(f *testing.F) map[string][]byte {
	f.Helper()
	dir := f.TempDir()
	for run := range 2 {
		s, err := tryOpen(Options{Dir: dir, Sync: SyncOff, MaxSize: fuzzSize})
		if err != nil {
			f.Fatal(err)
		}
		if run > 0 {
			inNewSegment(s)
		}
		for n := run * fuzzEvents / 2; n < (run+1)*fuzzEvents/2; n++ {
			if err := s.Append(fuzzEvent(n)); err != nil {
				f.Fatal(err)
			}
		}
		if run == 0 {
			entries, err := s.Next(f.Context(), nil, 2, 1<<20)
			if err != nil {
				f.Fatal(err)
			}
			s.Acknowledge(entries[0].Sequence)
		}
		s.Close()
	}
	files := make(map[string][]byte)
	for _, name := range append(segments(f, dir), filepath.Join(dir, checkpointName)) {
		content := read(f, name)
		files[filepath.Base(name)] = content
	}
	return files
}

func fuzzEvent(n int) Event {
	e := Event{Subject: "s", MessageID: strconv.Itoa(n), Body: []byte{byte(n)}}
	if n == 2 {
		e.Body = noise(3000)
	}
	return e
}

// FuzzRecovery damages the files of a spool: each four bytes of the input say which
// file, where, and how. Opening it and reading what is left must not fail in any
// other way than by an error of Open, and must yield events that were appended, in
// their order, each once.
func FuzzRecovery(f *testing.F) {
	files := smallSpool(f)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	dir := fuzzDir(f)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 1, 0, 1, 0, 40, 255, 2, 0, 3, 1})
	f.Add([]byte{0x40, 0, 100, 0, 0x81, 0, 30, 20, 0xc0, 0x80, 0, 200})
	f.Add([]byte{0x41, 0, 0, 0, 0x40, 0, 0, 0, 0x42, 0, 0, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		damaged := make(map[string][]byte, len(files))
		for name, content := range files {
			damaged[name] = slices.Clone(content)
		}
		for ; len(input) >= 4; input = input[4:] {
			name := names[int(input[0]&0x3f)%len(names)]
			damaged[name] = harm(damaged[name], input[0]>>6, int(input[1])<<8|int(input[2]), input[3])
		}
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
			t.Fatal(err)
		}
		for name, content := range damaged {
			write(t, filepath.Join(dir, name), content)
		}
		checkRecovery(t, dir)
	})
}

// harm changes a byte, cuts the file, zeroes a part of it or puts something in.
func harm(content []byte, how byte, at int, value byte) []byte {
	at %= len(content) + 1
	end := min(at+int(value), len(content))
	switch how {
	case 0:
		if at < len(content) {
			content[at] ^= value
		}
	case 1:
		content = content[:at]
	case 2:
		clear(content[at:end])
	case 3:
		content = slices.Insert(content, at, noise(int(value))...)
	}
	return content
}

func checkRecovery(t *testing.T, dir string) {
	t.Helper()
	s, err := tryOpen(Options{Dir: dir, Sync: SyncOff, MaxSize: fuzzSize})
	if err != nil {
		t.Logf("open: %v", err)
		return
	}
	defer s.Close()
	if err := s.Append(fuzzEvent(fuzzEvents)); err != nil {
		t.Fatalf("appending: %v", err)
	}
	last := -1
	var sequence uint64
	for _, e := range pending(t, s) {
		n, err := strconv.Atoi(e.MessageID)
		if err != nil || n <= last || n > fuzzEvents || string(e.Body) != string(fuzzEvent(n).Body) {
			t.Fatalf("after event %d came event %q", last, e.MessageID)
		}
		if e.Sequence <= sequence {
			t.Fatalf("after sequence %d came %d", sequence, e.Sequence)
		}
		last, sequence = n, e.Sequence
	}
	if last != fuzzEvents {
		t.Fatalf("the event appended last is missing after %d", last)
	}
}
