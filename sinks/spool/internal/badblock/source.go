// SPDX-License-Identifier: Apache-2.0

package badblock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// File is what the reader needs of a segment's file.
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

// Source is a segment that is read. What the disk cannot read is tried block by block,
// and whoever reads says which blocks to do without: they are blotted out.
type Source struct {
	File
	size    int64
	blocks  Policy
	Unread  error // why a block was blotted out
	Blotted int64 // the end of the last that was
}

// Policy is told of each block, by where it begins.
type Policy interface {
	// Failed tells whether to do without a block that cannot be read.
	Failed(block, first int64, err error) bool
	Worked(from int64, n int)
}

// Open opens a segment. What else is in its place is an error.
func Open(name string, open func(string) (File, error), blocks Policy) (*Source, error) {
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	// A device could be read for ever.
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", name, errNotRegular)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Source{File: file, size: info.Size(), blocks: blocks}, nil
}

// Records returns a reader of the records in the segment.
func (s *Source) Records() (*wal.Reader, error) { return wal.NewReader(s, s.size) }

// ReadAt fails on the first block that cannot be read and is not to be done without.
func (s *Source) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.File.ReadAt(p, at)
	s.blocks.Worked(at, n)
	if !IsUnreadable(err) {
		return n, err
	}
	return s.readBlocks(p, at)
}

// readBlocks reads what can be read, and returns the first error of the rest. It goes on
// after that, so that it takes no longer to give up many blocks than one.
func (s *Source) readBlocks(p []byte, at int64) (n int, first error) {
	began, good := time.Now(), 0
	for n < len(p) && (first == nil || time.Since(began) < surveyTime) {
		block := (at + int64(n)) - (at+int64(n))%BlockSize
		part := p[n:min(int64(len(p)), block+BlockSize-at)]
		read, err := s.File.ReadAt(part, at+int64(n))
		s.blocks.Worked(at+int64(n), read)
		switch {
		case err == nil:
		case IsUnreadable(err) && s.blocks.Failed(block, at+int64(n+read), err):
			s.Unread, s.Blotted = err, max(s.Blotted, block+BlockSize)
			blot(part[read:])
		case IsUnreadable(err):
			if first == nil {
				first, good = err, n+read
			}
		case first != nil:
			return good, first
		default:
			return n + read, err
		}
		n += len(part)
	}
	if first != nil {
		return good, first
	}
	return n, nil
}

// Survey tries what follows, so that the policy knows of all that cannot be read.
func (s *Source) Survey(from int64) {
	began, part := time.Now(), make([]byte, 8*BlockSize)
	for at := from; at < s.size && time.Since(began) < surveyTime; at += int64(len(part)) {
		_, _ = s.ReadAt(part, at)
	}
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
