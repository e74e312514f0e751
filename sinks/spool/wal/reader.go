// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"encoding/binary"
)

// Reader reads the records in the text of a segment, and gets over what is damaged.
type Reader struct {
	text   []byte // that begins where the last record ends
	life   []byte
	at     int64  // where that is
	last   uint64 // the sequence of the last record, or that after which the segment goes on
	harmed bool   // the header is damaged, or somebody has cut the file
}

// NewReader begins with the first record of a segment, of which it is given all that is on
// disk.
func NewReader(text []byte, s Segment) *Reader {
	h, whole := parseHeader(text)
	life := binary.BigEndian.AppendUint64(nil, s.life)
	return &Reader{text[min(pageSize, len(text)):], life, pageSize, s.After, !whole || h.Size != int64(len(text))}
}

// At is where the last record ends.
func (r *Reader) At() int64 { return r.at }

// Last is the sequence of the last record, or that after which the segment goes on.
func (r *Reader) Last() uint64 { return r.last }

// Next returns the next record in the text, if there is one. The content shares its
// memory.
func (r *Reader) Next() (record Record, ok bool) {
	for skipped := 0; len(r.text)-skipped >= recordHead+markSize; {
		record, size := parseRecord(r.text[skipped:], r.life)
		if size > 0 && record.Sequence > r.last {
			r.text = r.text[skipped+size:]
			r.at += int64(skipped + size)
			r.last = record.Sequence
			return record, true
		}
		// Another may begin wherever this life stands.
		next := bytes.Index(r.text[skipped+1+lifeAt:], r.life)
		if next < 0 {
			break
		}
		skipped += 1 + next
	}
	return Record{}, false
}

// Rest is what follows the last record of a segment, once there is no other.
type Rest int

const (
	// Nothing says that nothing of this life follows.
	Nothing Rest = iota
	// Torn says that a record begins there and was not written any further.
	Torn
	// Harmed says that what was written cannot be read.
	Harmed
)

// Rest looks at what follows the last record. What a crash leaves of a record is its
// beginning: then its life stands there once, in its head.
func (r *Reader) Rest() Rest {
	first := bytes.Index(r.text, r.life)
	switch {
	case r.harmed:
		return Harmed
	case first < 0:
		return Nothing
	case first == lifeAt && !bytes.Contains(r.text[first+markSize:], r.life):
		return Torn
	}
	return Harmed
}
