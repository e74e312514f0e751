// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"syscall"
)

const (
	version  = 3
	pageSize = 4 << 10 // what is read and written at once, and what the header has for itself

	// MinSegment is the smallest size of a segment, in bytes.
	MinSegment = 4 * pageSize
	// MaxSegment is the largest. A segment is read as a whole.
	MaxSegment = 8 << 20
	// RecordOverhead is what a record takes besides its content.
	RecordOverhead = recordHead + markSize
	// SegmentOverhead is what a segment takes besides its records, at its beginning.
	SegmentOverhead = pageSize
)

// ErrVersion tells that another version of this program has written a file.
var ErrVersion = errors.New("from another version of this program, whose files this one cannot read: start that " +
	"version until its events are delivered, then move the directory elsewhere")

var (
	magic      = [8]byte([]byte("segpixel"))
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// header is written when a file is made, as it stands here.
type header struct {
	Magic   [8]byte
	Version uint32
	Size    int64 // of the file
}

func newHeader(size int64) header { return header{magic, version, size} }

var headerSize = binary.Size(header{}) + crc32.Size

// bytes returns the header with its checksum.
func (h header) bytes() []byte {
	b, _ := binary.Append(nil, binary.BigEndian, h)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseHeader returns the header that a text begins with, if it is whole.
func parseHeader(text []byte) (h header, whole bool) {
	text = text[:min(headerSize, len(text))]
	_, err := binary.Decode(text, binary.BigEndian, &h)
	return h, err == nil && h.Magic == magic && string(h.bytes()) == string(text)
}

// readHeader returns the header of a file. That it is not whole is no error: it may be
// damaged, or on a disk that cannot read it for now.
func readHeader(name string) (h header, whole bool, err error) {
	file, err := os.Open(name)
	if errors.Is(err, syscall.EIO) {
		return h, false, nil
	}
	if err != nil {
		return h, false, err
	}
	text := make([]byte, headerSize)
	n, _ := io.ReadFull(file, text)
	h, whole = parseHeader(text[:n])
	return h, whole, file.Close()
}
