// SPDX-License-Identifier: Apache-2.0

// Package badblock reads segments of which the disk cannot read all: block by block.
package badblock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// BlockSize is what file systems commonly read at once, and what a bad sector makes
// unreadable.
const BlockSize = 4 << 10

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
	Bytes  []byte  // with what no record has in the place of what could not be read
	Failed []int64 // where the blocks begin that could not be read
	Err    error   // why the first of them could not
}

// Read reads a segment, into the memory given if that is enough. It goes on after blocks
// that cannot be read, unless those are enough: then the rest counts as one that cannot.
// What else is in the place of a segment is an error.
func Read(name string, open func(string) (File, error), memory []byte, enough func(failed []int64) bool) (t Text, err error) {
	file, err := open(name)
	if IsUnreadable(err) { // as if the disk could read no block of it
		return Text{Failed: []int64{wal.MaxSegment - BlockSize}, Err: err}, nil
	}
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
	size := int(min(info.Size(), wal.MaxSegment))
	if cap(memory) < size {
		memory = make([]byte, size)
	}
	t.Bytes = memory[:size]
	if _, err = file.ReadAt(t.Bytes, 0); IsUnreadable(err) {
		err = t.readBlocks(file, enough)
	}
	return t, err
}

func (t *Text) readBlocks(file File, enough func(failed []int64) bool) error {
	for at := 0; at < len(t.Bytes); at += BlockSize {
		block := t.Bytes[at:min(at+BlockSize, len(t.Bytes))]
		if t.Err != nil && enough(t.Failed) {
			t.Failed = append(t.Failed, int64(at))
			blot(t.Bytes[at:])
			return nil
		}
		n, err := file.ReadAt(block, int64(at))
		switch {
		case err == nil:
			continue
		case !IsUnreadable(err):
			return err
		case t.Err == nil:
			t.Err = err
		}
		t.Failed = append(t.Failed, int64(at))
		blot(block[n:])
	}
	return nil
}

// blot makes sure that nothing is taken for what could not be read.
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
