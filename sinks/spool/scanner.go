// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/prometheus/prometheus/util/compression"
)

// The types of fragments, in the lowest bits of their first byte.
const (
	fragmentEnd    = 0 // the rest of the page is empty
	fragmentFull   = 1
	fragmentFirst  = 2
	fragmentMiddle = 3
	fragmentLast   = 4

	typeMask   = 1<<3 - 1
	snappyFlag = 1 << 3
	zstdFlag   = 1 << 4

	// maxGain bounds how large a record may say that it is decompressed. Snappy
	// gains no more than this.
	maxGain = 64
)

// scanner reads the records of a segment that is not written any more, and goes on
// after what is damaged, which the readers of wlog do not. The format is that of
// tsdb/docs/format/wal.md: pages of 32 KiB, in which fragments follow each other.
type scanner struct {
	src    pageReader
	damage error // why something was skipped, until somebody resets it
	whole  int64 // the end of the last whole record

	at       int64 // where the next fragment begins
	page     [pageSize]byte
	start    int64 // where the page in memory begins
	filled   int   // how much of it there is
	loaded   bool
	unread   error  // why not all of it could be read
	body     []byte // the fragments of the current record
	inside   bool   // a first fragment was read
	flags    byte   // of the first fragment
	decoding compression.DecodeBuffer
}

// pageReader reads the pages of a segment.
type pageReader interface {
	// readPage returns how much there is of a page, and why parts of it could not be
	// read, if so: they are blotted out. An error is none of the page.
	readPage(page []byte, at int64) (n int, unread, err error)
}

// newScanner begins at an offset at which a fragment begins.
func newScanner(src pageReader, at int64) *scanner {
	return &scanner{src: src, at: at, whole: at, decoding: compression.NewSyncDecodeBuffer()}
}

// next returns the next whole record, or io.EOF. The record is valid until the
// next call.
func (s *scanner) next() ([]byte, error) {
	for {
		rest, err := s.rest()
		if err != nil {
			return nil, err
		}
		if len(rest) < fragmentHeader && s.filled == pageSize || isPageEnd(rest) {
			s.nextPage()
			continue
		}
		size, ok := checkFragment(rest)
		if !ok {
			s.skip(rest)
			continue
		}
		s.at += int64(size)
		if record, ok := s.take(rest[0], rest[fragmentHeader:size]); ok {
			s.whole = s.at
			return record, nil
		}
	}
}

// rest returns what the page holds from where the next fragment begins.
func (s *scanner) rest() ([]byte, error) {
	start := s.at - s.at%pageSize
	if !s.loaded || start != s.start {
		n, unread, err := s.src.readPage(s.page[:], start)
		if err != nil && !errors.Is(err, io.EOF) {
			s.loaded = false
			return nil, err
		}
		s.start, s.filled, s.loaded, s.unread = start, n, true, unread
	}
	offset := int(s.at - s.start)
	if offset >= s.filled {
		s.drop()
		s.loaded = false
		return nil, io.EOF
	}
	return s.page[offset:s.filled], nil
}

func (s *scanner) nextPage() {
	s.at = s.start + pageSize
}

// isPageEnd tells whether the rest of a page is empty.
func isPageEnd(rest []byte) bool {
	for _, b := range rest {
		if b != 0 {
			return false
		}
	}
	return true
}

// checkFragment returns the size of the fragment that a page goes on with, if it
// is a valid one.
func checkFragment(rest []byte) (size int, ok bool) {
	size, ok = fragmentSize(rest)
	if !ok {
		return 0, false
	}
	kind := rest[0] & typeMask
	if rest[0] > typeMask|snappyFlag|zstdFlag || kind == fragmentEnd || kind > fragmentLast {
		return 0, false
	}
	sum := binary.BigEndian.Uint32(rest[3:])
	return size, crc32.Checksum(rest[fragmentHeader:size], castagnoli) == sum
}

// fragmentSize returns how large a fragment says that it is, if it can be.
func fragmentSize(rest []byte) (size int, ok bool) {
	if len(rest) < fragmentHeader {
		return 0, false
	}
	size = fragmentHeader + int(binary.BigEndian.Uint16(rest[1:]))
	return size, size <= len(rest)
}

// skip goes on after a damaged fragment: where its header says that it ends, if
// that is confirmed by what follows, and else with the next page.
func (s *scanner) skip(rest []byte) {
	s.drop()
	s.harm()
	size, ok := fragmentSize(rest)
	if ok {
		after := rest[size:]
		if _, valid := checkFragment(after); valid || len(after) < fragmentHeader || isPageEnd(after) {
			s.at += int64(size)
			return
		}
	}
	s.nextPage()
}

// harm notes that something is skipped.
func (s *scanner) harm() {
	switch {
	case s.damage != nil:
	case s.unread != nil:
		s.damage = s.unread
	default:
		s.damage = errDamaged
	}
}

// drop forgets the fragments of a record that does not go on.
func (s *scanner) drop() {
	if s.inside {
		s.harm()
	}
	s.inside = false
}

// take adds a fragment, and returns the record when it is whole.
func (s *scanner) take(header byte, data []byte) ([]byte, bool) {
	kind := header & typeMask
	if kind == fragmentFull || kind == fragmentFirst {
		s.drop()
		s.body, s.inside, s.flags = s.body[:0], true, header&^typeMask
	}
	if !s.inside || header&^typeMask != s.flags {
		s.drop()
		s.harm()
		return nil, false
	}
	s.body = append(s.body, data...)
	if kind == fragmentFirst || kind == fragmentMiddle {
		return nil, false
	}
	s.inside = false
	record, err := s.decompress()
	if err != nil {
		s.harm()
	}
	return record, err == nil
}

func (s *scanner) decompress() ([]byte, error) {
	switch s.flags {
	case 0:
		return s.body, nil
	case snappyFlag:
		size, n := binary.Uvarint(s.body)
		if n <= 0 || size > uint64(len(s.body))*maxGain {
			return nil, errDamaged
		}
		return compression.Decode(compression.Snappy, s.body, s.decoding)
	default:
		return nil, errDamaged
	}
}
