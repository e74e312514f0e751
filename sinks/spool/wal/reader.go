// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"encoding/binary"
)

// Reader reads the records in the text of a segment, and gets over what is damaged.
type Reader struct {
	text   []byte
	textAt int64 // where that begins
	life   []byte
	at     int64  // behind the last record
	end    int64  // where the segment ends
	last   uint64 // the sequence of the last record, or that after which the segment goes on
}

// NewReader begins with the first record of a segment, of which it is given all that is on
// disk. The error is ErrDamaged if both of its headers are.
func NewReader(text []byte) (*Reader, error) {
	size := int64(len(text))
	h, err := readHeader(bytes.NewReader(text), size)
	if err != nil {
		return nil, err
	}
	life := binary.BigEndian.AppendUint64(nil, h.Life)
	return &Reader{text: text, life: life, at: pageSize, end: min(h.Size, size+pageSize) - pageSize, last: h.After}, nil
}

// Reload replaces the text by one that begins where the last record ends.
func (r *Reader) Reload(text []byte) { r.text, r.textAt = text, r.at }

// Cut notes that the file has become shorter since it was read first.
func (r *Reader) Cut(end int64) { r.end = min(r.end, end) }

// At is where the last record ends.
func (r *Reader) At() int64 { return r.at }

// Last is the sequence of the last record, or that after which the segment goes on.
func (r *Reader) Last() uint64 { return r.last }

// End is where no record can lie any more.
func (r *Reader) End() int64 { return r.end }

// Next returns the next record, if there is one before an offset. The content shares the
// memory of the text.
func (r *Reader) Next(before int64) (record Record, ok bool) {
	rest := r.rest(before)
	for skipped := 0; len(rest) >= recordHead+markSize; {
		record, size := parseRecord(rest, r.life)
		if size > 0 && record.Sequence > r.last {
			r.at += int64(skipped + size)
			r.last = record.Sequence
			return record, true
		}
		// Another may begin wherever this life stands.
		next := bytes.Index(rest[1+lifeAt:], r.life)
		if next < 0 {
			break
		}
		skipped += 1 + next
		rest = rest[1+next:]
	}
	return Record{}, false
}

// rest is what follows the last record before an offset.
func (r *Reader) rest(before int64) []byte {
	text := r.text[min(r.at-r.textAt, int64(len(r.text))):]
	return text[:max(min(int64(len(text)), min(before, r.end)-r.at), 0)]
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
	rest := r.rest(r.end)
	first := bytes.Index(rest, r.life)
	switch {
	case first < 0:
		return Nothing
	case first == lifeAt && !bytes.Contains(rest[first+markSize:], r.life):
		return Torn
	}
	return Harmed
}
