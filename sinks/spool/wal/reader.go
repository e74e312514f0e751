// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// window is how much of a segment is read at once.
const window = 32 << 10

// Reader reads the records of a segment, and gets over what is damaged. After an error
// that is not io.EOF, the next call goes on at the same place.
type Reader struct {
	// Damage is why something was passed over, until somebody resets it.
	Damage error

	file io.ReaderAt
	life uint64
	at   int64  // behind the last record
	end  int64  // where the segment ends
	last uint64 // the sequence of the last record

	before int64 // what lies behind may change yet

	// After an error, a search from the same place goes on where it was, and one that
	// has found nothing up to an offset is not made again.
	searchedFrom, searchedTo, nothingTo int64
	buf                                 []byte
	bufAt                               int64
}

// NewReader begins with the first record of a segment of that size on disk. The error is
// ErrDamaged if both of its headers are.
func NewReader(file io.ReaderAt, size int64) (*Reader, error) {
	h, err := readHeader(file, size)
	if err != nil {
		return nil, err
	}
	return &Reader{file: file, life: h.life, at: pageSize, end: min(h.size, size+pageSize) - pageSize}, nil
}

// At is where the last record ends.
func (r *Reader) At() int64 { return r.at }

// Next returns the next record, or io.EOF if there is none before an offset. The content
// is valid until the next call.
func (r *Reader) Next(before int64) (Record, error) {
	before = min(before, r.end)
	r.before = before
	for {
		record, size, err := r.record(r.at, before)
		if err != nil {
			return Record{}, err
		}
		if size > 0 {
			r.at += size
			r.last = record.Sequence
			return record, nil
		}
		if before == r.nothingTo {
			return Record{}, io.EOF
		}
		at, found, err := r.find(r.at+1, before)
		if err != nil {
			return Record{}, err
		}
		if !found {
			r.nothingTo = before
			return Record{}, io.EOF
		}
		r.harm()
		r.at = at
	}
}

func (r *Reader) harm() {
	if r.Damage == nil {
		r.Damage = ErrDamaged
	}
}

// record reads the record at an offset. Its size is zero if there is none.
func (r *Reader) record(at, before int64) (Record, int64, error) {
	head, err := r.load(at, recordHead)
	if err != nil || len(head) < recordHead {
		return Record{}, 0, err
	}
	size, ok := recordSize(head, r.life)
	if !ok || size > before-at {
		return Record{}, 0, nil
	}
	text, err := r.load(at, size)
	if err != nil || int64(len(text)) < size {
		return Record{}, 0, err
	}
	record, ok := parseRecord(text)
	if !ok || record.Sequence <= r.last {
		return Record{}, 0, nil
	}
	return record, size, nil
}

// find looks for the next record from an offset on, by the life that stands in it.
func (r *Reader) find(from, before int64) (at int64, found bool, err error) {
	for {
		mark, found, err := r.mark(from+lifeAt, before)
		if err != nil || !found {
			return 0, false, err
		}
		at = mark - lifeAt
		_, size, err := r.record(at, before)
		if err != nil || size > 0 {
			return at, size > 0, err
		}
		from = at + 1
	}
}

// mark looks for this life from an offset on.
func (r *Reader) mark(from, before int64) (at int64, found bool, err error) {
	life := binary.BigEndian.AppendUint64(nil, r.life)
	began := from
	if r.searchedFrom == from {
		from = r.searchedTo
	}
	for from+markSize <= before {
		text, err := r.load(from, min(window, before-from))
		if err != nil {
			r.searchedFrom, r.searchedTo = began, from
			return 0, false, err
		}
		if i := bytes.Index(text, life); i >= 0 {
			r.forget(began)
			return from + int64(i), true, nil
		}
		if len(text) < markSize {
			break // the file has been cut
		}
		from += int64(len(text)) - markSize + 1
	}
	r.forget(began)
	return 0, false, nil
}

func (r *Reader) forget(from int64) {
	if r.searchedFrom == from {
		r.searchedFrom = 0
	}
}

// load returns the text at an offset, or as much of it as there is.
func (r *Reader) load(at, size int64) ([]byte, error) {
	if have := r.bufAt + int64(len(r.buf)); at < r.bufAt || at+size > have {
		want := max(size, min(window, r.before-at))
		if int64(cap(r.buf)) < want {
			r.buf = make([]byte, want)
		}
		n, err := r.file.ReadAt(r.buf[:want], at)
		r.buf, r.bufAt = r.buf[:n], at
		if err != nil && !errors.Is(err, io.EOF) && int64(n) < size {
			return nil, err
		}
	}
	text := r.buf[at-r.bufAt:]
	return text[:min(size, int64(len(text)))], nil
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
func (r *Reader) Rest() (Rest, error) {
	r.before = r.end
	first, found, err := r.mark(r.at, r.end)
	if err != nil || !found {
		return Nothing, err
	}
	if first != r.at+lifeAt {
		return Harmed, nil
	}
	_, found, err = r.mark(first+markSize, r.end)
	if err != nil || !found {
		return Torn, err
	}
	return Harmed, nil
}
