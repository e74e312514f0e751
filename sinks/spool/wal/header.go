// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

const (
	version    = 2
	pageSize   = 4 << 10 // what is read and written at once, and what a header has for itself
	headerSize = 64      // with room for what a version to come may add

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

	// ErrVersion tells that another version of this program has written a file.
	ErrVersion = errors.New("from another version of this program, whose files this one cannot read: start that " +
		"version until its events are delivered, or move the directory elsewhere to begin with an empty one")
)

var (
	magic      = [8]byte([]byte("segpixel"))
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// header says what a segment is. It is written as it stands here.
type header struct {
	Magic   [8]byte
	Version uint32
	Sum     uint32
	Number  uint64
	Life    uint64
	Size    int64
	After   uint64
}

// newHeader begins a life. No life is zero, which is what a file is filled with.
func newHeader(number int, size int64, after uint64) header {
	var life [8]byte
	_, _ = rand.Read(life[:]) // it never fails
	return header{magic, version, 0, uint64(number), binary.BigEndian.Uint64(life[:]) | 1, size, after}
}

func (h *header) page() []byte {
	b, _ := binary.Append(make([]byte, 0, pageSize), binary.BigEndian, h)
	binary.BigEndian.PutUint32(b[12:], headerSum(b[:headerSize]))
	return b[:pageSize]
}

// headerSum is the checksum of all of a header but itself.
func headerSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:])
}

// write writes both headers of a file.
func (h *header) write(name string, durable bool) error {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	page := h.page()
	for _, at := range [...]int64{h.Size - pageSize, 0} {
		if _, err := file.WriteAt(page, at); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if durable {
		err = syncContent(file)
	}
	return errors.Join(err, file.Close())
}

// readHeader takes the first of the two that is whole, and not of another segment, which
// the file may have been before the power was cut. If there is none, the disk may not be
// able to read for now.
func readHeader(file io.ReaderAt, size int64, number int) (header, error) {
	h, err := headerAt(file, 0, number)
	if err == nil {
		return h, nil
	}
	h, second := headerAt(file, size-pageSize, number)
	if second == nil || errors.Is(err, ErrDamaged) {
		return h, second
	}
	return h, err
}

func headerAt(file io.ReaderAt, at int64, number int) (header, error) {
	b := make([]byte, headerSize)
	if n, err := file.ReadAt(b, max(at, 0)); n < headerSize {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it has no header", ErrDamaged)
		}
		return header{}, err
	}
	var h header
	_, _ = binary.Decode(b, binary.BigEndian, &h)
	switch {
	case h.Magic != magic:
		return header{}, fmt.Errorf("%w: it has no header", ErrDamaged)
	case h.Version != version: // whose checksum may be another
		return header{}, ErrVersion
	case h.Sum != headerSum(b), h.Size < MinSegment:
		return header{}, fmt.Errorf("%w: its header is not whole", ErrDamaged)
	case h.Number != uint64(number):
		return header{}, fmt.Errorf("%w: its header is that of segment %d", ErrDamaged, h.Number)
	}
	return h, nil
}
