// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

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

// source is a segment that is read. It remembers why the system could not read it:
// wlog.LiveReader returns that in the same way as damage.
type source struct {
	segmentFile
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.segmentFile.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// isMissing tells whether an error of opening a segment says that there is none.
// Any other may be gone at the next attempt, such as too many open files.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotRegular)
}
