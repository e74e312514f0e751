// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	recordHead = 4 + 4 + 8 + 8
	lifeAt     = 4 + 4 // where the life stands in a record
	markSize   = 8
)

// Record is what one Append has written.
type Record struct {
	Sequence uint64
	Content  []byte
}

// appendRecord writes a record.
func appendRecord(buf []byte, life, sequence uint64, content []byte) []byte {
	start := len(buf)
	buf = binary.BigEndian.AppendUint32(buf, 0)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(content)))
	buf = binary.BigEndian.AppendUint64(buf, life)
	buf = binary.BigEndian.AppendUint64(buf, sequence)
	buf = append(buf, content...)
	binary.BigEndian.PutUint32(buf[start:], crc32.Checksum(buf[start+4:], castagnoli))
	return binary.BigEndian.AppendUint64(buf, life)
}

// recordSize returns how long the record is that a head begins, and whether it is the
// head of a record of this life.
func recordSize(head []byte, life uint64) (size int64, ok bool) {
	if binary.BigEndian.Uint64(head[lifeAt:]) != life {
		return 0, false
	}
	return recordHead + int64(binary.BigEndian.Uint32(head[4:])) + markSize, true
}

// parseRecord reads a record that takes all of the text, and whose life is right. The
// content shares its memory.
func parseRecord(text []byte) (Record, bool) {
	end := len(text) - markSize
	ok := crc32.Checksum(text[4:end], castagnoli) == binary.BigEndian.Uint32(text)
	return Record{Sequence: binary.BigEndian.Uint64(text[16:]), Content: text[recordHead:end:end]}, ok
}
