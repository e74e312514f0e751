// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"
)

// surveyTime bounds how long it is looked for more that cannot be read.
const surveyTime = time.Second

// segmentFile is what the reader needs of a segment's file.
type segmentFile interface {
	fs.File
	io.ReaderAt
}

func openSegment(name string) (segmentFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// source is a segment that is read. It remembers why and where the system could not
// read it: wlog.LiveReader returns that in the same way as damage.
type source struct {
	segmentFile
	bad    *badBlocks
	at     int64 // where Read goes on
	err    error // of the last read that failed
	failed int64 // where that was
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.segmentFile.Read(p)
	s.note(s.at, n, err)
	s.at += int64(n)
	return n, err
}

func (s *source) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.segmentFile.ReadAt(p, at)
	s.note(at, n, err)
	return n, err
}

func (s *source) note(at int64, n int, err error) {
	s.bad.worked(at, n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err, s.failed = err, at+int64(n)
	}
}

// readPage reads all of a page but for the blocks that are given up.
func (s *source) readPage(page []byte, at int64) (n int, unread, err error) {
	n, err = s.ReadAt(page, at)
	if !isUnreadable(err) {
		return n, nil, err
	}
	blocks, err := s.blocks(page, at)
	if err != nil {
		return 0, nil, err
	}
	n = 0
	for block := range blocks {
		read, err := s.ReadAt(block, at+int64(n))
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return n + read, unread, nil
		case isUnreadable(err) && s.bad.isLost(at+int64(n)):
			blot(block[read:])
			unread = err
		default:
			return 0, nil, err
		}
		n += len(block)
	}
	return n, unread, nil
}

// survey finds out what cannot be read from a page on, so that it takes no longer to
// give up many blocks than one.
func (s *source) survey(from int64) error {
	began := time.Now()
	page := make([]byte, pageSize)
	for at := from; at == from || time.Since(began) < surveyTime; at += pageSize {
		_, err := s.ReadAt(page, at)
		if isUnreadable(err) {
			err = s.surveyPage(page, at)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *source) surveyPage(page []byte, at int64) error {
	blocks, err := s.blocks(page, at)
	if err != nil {
		return err
	}
	for block := range blocks {
		n, err := s.ReadAt(block, at)
		if isUnreadable(err) {
			s.bad.failed(at, at+int64(n), time.Now())
		} else if err != nil {
			return err
		}
		at += int64(len(block))
	}
	return nil
}

// blocks cuts into blocks what the file has of a page.
func (s *source) blocks(page []byte, at int64) (iter.Seq[[]byte], error) {
	size, err := pageLength(s, at)
	if err != nil {
		return nil, err
	}
	return slices.Chunk(page[:size], blockSize), nil
}

// pageLength is how much a file has of a page.
func pageLength(file segmentFile, at int64) (int, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return int(min(max(info.Size()-at, 0), pageSize)), nil
}

// blot puts what no fragment begins with in the place of what could not be read.
func blot(part []byte) {
	for i := range part {
		part[i] = 0xff
	}
}

// isMissing tells whether an error of opening a segment says that there is none.
// Any other may be gone at the next attempt, such as too many open files.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotRegular)
}
