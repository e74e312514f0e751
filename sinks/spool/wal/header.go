// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

const (
	version    = 1
	pageSize   = 4 << 10 // what is read and written at once, and what a header has for itself
	headerSize = 8 + 4 + 4 + 8 + 8 + 8

	// MinSegment is the smallest size of a segment, in bytes.
	MinSegment = 4 * pageSize
	// MaxSegment is the largest. A segment is read as a whole.
	MaxSegment = 8 << 20
	// RecordOverhead is what a record takes besides its content.
	RecordOverhead = recordHead + markSize
	// SegmentOverhead is what a segment takes besides its records.
	SegmentOverhead = 2 * pageSize
)

var (
	// ErrDamaged tells that something in a segment is not what was written.
	ErrDamaged = errors.New("the segment is damaged")

	// ErrNewer tells that a release to come has written a file.
	ErrNewer = errors.New("written by a newer release, which this one cannot read")
)

var (
	magic      = []byte("segpixel")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// header says what a segment is.
type header struct {
	number int
	life   uint64
	size   int64
}

// newLife draws a life. Zeros are what a file is filled with.
func newLife() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // it never fails
		if life := binary.BigEndian.Uint64(b[:]); life != 0 {
			return life
		}
	}
}

func (h *header) page() []byte {
	page := make([]byte, pageSize)
	b := page[:copy(page, magic)]
	b = binary.BigEndian.AppendUint32(b, version)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(h.number))
	b = binary.BigEndian.AppendUint64(b, h.life)
	b = binary.BigEndian.AppendUint64(b, uint64(h.size))
	binary.BigEndian.PutUint32(b[12:], headerSum(b))
	return page
}

// headerSum is the checksum of all of a header but itself, in every version.
func headerSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:headerSize])
}

// write writes both headers of a file.
func (h *header) write(file *os.File, durable bool) error {
	page := h.page()
	for _, at := range [...]int64{h.size - pageSize, 0} {
		if _, err := file.WriteAt(page, at); err != nil {
			return err
		}
	}
	if durable {
		return syncContent(file)
	}
	return nil
}

// readHeader takes the first of the two that is whole.
func readHeader(file io.ReaderAt, size int64) (header, error) {
	h, err := headerAt(file, 0)
	if err == nil || errors.Is(err, ErrNewer) {
		return h, err
	}
	if h, err := headerAt(file, size-pageSize); err == nil {
		return h, nil
	}
	return header{}, err
}

func headerAt(file io.ReaderAt, at int64) (header, error) {
	b := make([]byte, headerSize)
	if n, err := file.ReadAt(b, max(at, 0)); n < headerSize {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it has no header", ErrDamaged)
		}
		return header{}, err
	}
	h := header{
		number: int(binary.BigEndian.Uint64(b[16:]) & math.MaxInt),
		life:   binary.BigEndian.Uint64(b[24:]),
		size:   int64(binary.BigEndian.Uint64(b[32:]) & math.MaxInt64),
	}
	switch {
	case !bytes.Equal(b[:8], magic):
		return header{}, fmt.Errorf("%w: it has no header", ErrDamaged)
	case headerSum(b) != binary.BigEndian.Uint32(b[12:]), h.size < MinSegment:
		return header{}, fmt.Errorf("%w: its header is not whole", ErrDamaged)
	case binary.BigEndian.Uint32(b[8:]) > version:
		return header{}, fmt.Errorf("a segment of version %d: %w", binary.BigEndian.Uint32(b[8:]), ErrNewer)
	}
	return h, nil
}
