// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
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

// parseRecord reads the record of a life that a text begins with. The size is zero if
// there is none. The content shares the memory of the text.
func parseRecord(text, life []byte) (record Record, size int) {
	if len(text) < recordHead || !bytes.Equal(text[lifeAt:lifeAt+markSize], life) {
		return Record{}, 0
	}
	end := recordHead + int64(binary.BigEndian.Uint32(text[4:]))
	if end+markSize > int64(len(text)) || crc32.Checksum(text[4:end], castagnoli) != binary.BigEndian.Uint32(text) {
		return Record{}, 0
	}
	return Record{Sequence: binary.BigEndian.Uint64(text[16:]), Content: text[recordHead:end:end]}, int(end + markSize)
}
