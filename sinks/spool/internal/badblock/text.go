// SPDX-License-Identifier: Apache-2.0

// Package badblock reads segments of which the disk cannot read all: block by block, until
// whoever reads does without the bad ones.
package badblock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

const (
	// BlockSize is what file systems commonly read at once, and what a bad sector makes
	// unreadable.
	BlockSize = 4 << 10

	// surveyTime bounds how long it is looked for more that cannot be read.
	surveyTime = time.Second
)

// errNotRegular tells that something else is in the place of a segment.
var errNotRegular = errors.New("not a regular file")

// File is what is needed of a segment's file.
type File interface {
	fs.File
	io.ReaderAt
}

// OpenFile opens a file for reading.
func OpenFile(name string) (File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Text is what was read of a segment.
type Text struct {
	Bytes  []byte
	Failed []int64 // where the blocks begin that could not be read
	Unread error   // why some of them are done without
	Err    error   // why the first of the others could not be read
	End    int64   // where that is, or where the text ends

	Surveyed int64 // how far it was tried to read
}

// Read reads a segment from one offset to another, into the memory given if that is
// enough. It does without the blocks that are given up if they cannot be read, and goes on
// after the others, so that it takes no longer to give up many blocks than one. What else
// is in the place of a segment is an error.
func Read(name string, open func(string) (File, error), from, to int64, memory []byte, bad Blocks) (t Text, err error) {
	file, err := open(name)
	if err != nil {
		return t, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return t, err
	}
	if !info.Mode().IsRegular() {
		return t, fmt.Errorf("%s: %w", name, errNotRegular) // a device could be read for ever
	}
	t.End = max(min(to, info.Size(), wal.MaxSegment), from)
	size := int(t.End - from)
	if cap(memory) < size {
		memory = make([]byte, size)
	}
	t.Bytes = memory[:size]
	t.Surveyed = t.End
	if _, err = file.ReadAt(t.Bytes, from); IsUnreadable(err) {
		err = t.readBlocks(file, from, bad)
	}
	return t, err
}

func (t *Text) readBlocks(file File, from int64, bad Blocks) error {
	began := time.Now()
	for rest := t.Bytes; len(rest) > 0; {
		at := from + int64(len(t.Bytes)-len(rest))
		if t.Err != nil && time.Since(began) > surveyTime {
			blot(rest)
			t.Surveyed = at
			break
		}
		block := at - at%BlockSize
		part := rest[:min(int64(len(rest)), block+BlockSize-at)]
		n, err := file.ReadAt(part, at)
		switch {
		case err == nil:
		case !IsUnreadable(err):
			return err
		default:
			blot(part[n:])
			t.Failed = append(t.Failed, block)
			if bad.Without(block) {
				t.Unread = err
			} else if t.Err == nil {
				t.Err, t.End = err, at+int64(n)
			}
		}
		rest = rest[len(part):]
	}
	return nil
}

// blot puts what no record begins with in the place of what could not be read.
func blot(part []byte) {
	for i := range part {
		part[i] = 0xff
	}
}

// IsMissing tells whether an error of opening a segment says that there is none.
// Any other may be gone at the next attempt, such as too many open files.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotRegular)
}

// What Windows says of a disk, besides what it calls EIO.
const (
	errWindowsCRC      syscall.Errno = 23
	errWindowsIODevice syscall.Errno = 1117
)

// IsUnreadable tells whether an error of reading says that the disk cannot read what is
// there. Any other says nothing about the disk, such as one of permissions.
func IsUnreadable(err error) bool {
	code, ok := errors.AsType[syscall.Errno](err)
	return ok && (code == syscall.EIO || runtime.GOOS == "windows" && (code == errWindowsCRC || code == errWindowsIODevice))
}
