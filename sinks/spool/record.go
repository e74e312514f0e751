// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// Event is what is to be published.
type Event struct {
	Subject     string
	MessageID   string // the value of Nats-Msg-Id; empty if the message has none
	TraceParent string // empty if there is none
	Body        []byte
}

// Entry is an event with its sequence.
type Entry struct {
	Event
	Sequence uint64
}

const (
	// fixedHeader is the time.
	fixedHeader = 8
	// maxHeader is the room that a header may take, with the count of its events.
	maxHeader = fixedHeader + binary.MaxVarintLen32
	// fields are those of an event, which takes as many bytes if all are empty.
	fields = 4
)

// record is what one commit writes. Its sequence in the log is that of its first event.
//
//	at        int64, Unix time in nanoseconds
//	count     uvarint
//	events    each: subject, message id, traceparent, body, with uvarint lengths
type record struct {
	first  uint64
	at     int64
	count  int
	events []byte
}

// last is the sequence of its last event.
func (r *record) last() uint64 {
	return r.first + uint64(r.count) - 1
}

// putHeader writes the header of r so that it ends where the room for it ends,
// and returns where it begins.
func (r *record) putHeader(room []byte) int {
	var count [binary.MaxVarintLen32]byte
	n := binary.PutUvarint(count[:], uint64(r.count))
	copy(room[maxHeader-n:], count[:n])
	start := maxHeader - n - fixedHeader
	binary.BigEndian.PutUint64(room[start:], uint64(r.at))
	return start
}

// appendEvent appends the encoded form of an event.
func appendEvent(buf []byte, e *Event) []byte {
	buf = appendField(buf, e.Subject)
	buf = appendField(buf, e.MessageID)
	buf = appendField(buf, e.TraceParent)
	buf = binary.AppendUvarint(buf, uint64(len(e.Body)))
	return append(buf, e.Body...)
}

func appendField(buf []byte, field string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(field)))
	return append(buf, field...)
}

// eventBound is the most that an event can take in a record.
func eventBound(e *Event) int64 {
	return int64(len(e.Subject) + len(e.MessageID) + len(e.TraceParent) + len(e.Body) + fields*binary.MaxVarintLen32)
}

// decodeRecord checks a record as a whole, so that nothing can fail when its
// events are taken out. The record shares the memory of the content.
func decodeRecord(found wal.Record) (record, error) {
	data := found.Content
	count, n := binary.Uvarint(data[min(fixedHeader, len(data)):])
	if n <= 0 || count == 0 || count > uint64(len(data)/fields) || found.Sequence > math.MaxUint64-count {
		return record{}, fmt.Errorf("%w: a record has an impossible count of events", errDamaged)
	}
	r := record{found.Sequence, int64(binary.BigEndian.Uint64(data)), int(count), data[fixedHeader+n:]}
	rest, ok := r.events, true
	for field := 0; ok && field < fields*r.count; field++ {
		_, rest, ok = cutField(rest)
	}
	if !ok || len(rest) > 0 {
		return record{}, fmt.Errorf("%w: a record does not end with its last event", errDamaged)
	}
	return r, nil
}

// cutField returns the field that data begins with, and what follows it.
func cutField(data []byte) (field, rest []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return data[n:end:end], data[end:], true
}

// cutEvent takes the first event off a record that was checked. The body shares
// the record's memory; the strings share one allocation.
func (r *record) cutEvent() Event {
	subject, rest, _ := cutField(r.events)
	id, rest, _ := cutField(rest)
	trace, rest, _ := cutField(rest)
	body, rest, _ := cutField(rest)

	text := make([]byte, 0, 128)
	text = append(text, subject...)
	text = append(text, id...)
	text = append(text, trace...)
	all := string(text)
	r.events = rest
	r.first++
	r.count--
	return Event{
		Subject:     all[:len(subject)],
		MessageID:   all[len(subject) : len(subject)+len(id)],
		TraceParent: all[len(subject)+len(id):],
		Body:        body,
	}
}
