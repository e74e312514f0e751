// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestKey has keys that others have to make as well, with sha256sum and the like.
func TestKey(t *testing.T) {
	for _, test := range []struct {
		kind        pixel.PersonKind
		value, want string
	}{
		{pixel.PersonUser, "abc", "user.ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{pixel.PersonAnonymous, "abc", "anon.ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{pixel.PersonEmail, " ABC\n", "email.ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	} {
		key := Key(test.kind, test.value)
		if key != test.want {
			t.Errorf("%v %q: %s", test.kind, test.value, key)
		}
		if p, ok := parseKey(key); !ok || p != personOf(test.kind, []byte(test.value)) {
			t.Errorf("%s is not read back", key)
		}
	}
	digits := strings.Repeat("0", 64)
	for _, key := range []string{"", "user", "user.", "user.abc", "group." + digits, "user." + digits + "0", "USER." + digits,
		"user." + strings.Repeat("A", 64), "user." + strings.Repeat("g", 64), digits} {
		if _, ok := parseKey(key); ok {
			t.Errorf("%q is taken for a key", key)
		}
	}
}

func numbered(n int) person { return personOf(pixel.PersonUser, fmt.Append(nil, "user ", n)) }

// reload reads the file into a set of its own.
func reload(t *testing.T, name string) (*people, error) {
	t.Helper()
	set := new(people)
	c := diskCopy{name: name}
	_, found, err := c.load(set)
	c.close()
	if err == nil && !found {
		return nil, os.ErrNotExist
	}
	return set, err
}

func TestDiskCopy(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sub", "a.list")
	if _, err := reload(t, name); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("before there is a file: %v", err)
	}
	set := new(people)
	c := diskCopy{name: name}
	defer func() { c.close() }()
	same := func() {
		t.Helper()
		read, err := reload(t, name)
		if err != nil {
			t.Fatal(err)
		}
		if read.count() != set.count() {
			t.Fatalf("%d of %d are read", read.count(), set.count())
		}
		if err := set.each(func(p person) error {
			if !read.has(p) {
				return errors.New("somebody is missing")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	flush := func() {
		t.Helper()
		if err := c.flush(set); err != nil {
			t.Fatal(err)
		}
		same()
	}
	flush() // an empty list is a list
	change := func(from, to int, drop bool) {
		for n := from; n < to; n++ {
			if p := numbered(n); drop && set.drop(p) {
				c.note(opDrop, p)
			} else if !drop && set.put(p, 1) {
				c.note(opAdd, p)
			}
		}
	}
	change(0, 100, false)
	flush()
	change(50, 60, true)
	flush()

	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A power cut may tear the last record, which adds or drops one person.
	for cut := 1; cut < recordSize; cut++ {
		write(text[:len(text)-cut])
		if read, err := reload(t, name); err != nil || read.count() != 91 {
			t.Fatalf("cut by %d: %v", cut, err)
		}
	}
	torn := append(append([]byte{}, text...), make([]byte, recordSize)...)
	write(torn)
	if read, err := reload(t, name); err != nil || read.count() != 90 {
		t.Fatalf("torn: %v", err)
	}
	for at := range len(text) - recordSize { // any other damage is one
		damaged := append([]byte{}, text...)
		damaged[at] ^= 1
		write(damaged)
		if _, err := reload(t, name); err == nil {
			t.Fatalf("byte %d is damaged, and nobody says so", at)
		}
	}
	write(text)
	c.close()
	if _, _, err := c.load(new(people)); err != nil {
		t.Fatal(err)
	}
	for range 200 { // The file does not grow for ever.
		change(0, 100, true)
		change(0, 100, false)
		flush()
	}
	if info, err := os.Stat(name); err != nil || info.Size() > 2*(mostSpare+1000)*recordSize {
		t.Errorf("%d bytes: %v", info.Size(), err)
	}
}

// TestMillion holds a million people to 100 bytes each, also while the bucket is read
// once more.
func TestMillion(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	set := new(people)
	const million = 1_000_000
	for reading := range uint32(2) {
		for n := range million {
			set.put(millionth(n), reading)
		}
	}
	if gone := set.notSeenIn(1); len(gone) != 0 || set.count() != million {
		t.Fatalf("%d gone, %d there", len(gone), set.count())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perPerson := float64(after.HeapAlloc-before.HeapAlloc) / million
	t.Logf("%.0f bytes a person", perPerson)
	if perPerson > 100 {
		t.Errorf("%.0f bytes a person", perPerson)
	}
	runtime.KeepAlive(set)
}

// millionth makes somebody up without hashing.
func millionth(n int) (p person) {
	binary.LittleEndian.PutUint64(p[1:], uint64(n)*0x9E3779B97F4A7C15)
	return p
}

func BenchmarkHas(b *testing.B) {
	for _, size := range []int{0, 1_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var l List
			for n := range size {
				l.set.put(millionth(n), 0)
			}
			user := []byte("97980cfea0067")
			b.ReportAllocs()
			for b.Loop() {
				if l.Has(pixel.PersonUser, user) {
					b.Fatal("found")
				}
			}
		})
	}
}
