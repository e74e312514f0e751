// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

// encode returns the record of some events.
func encode(first uint64, at int64, events []Event) wal.Record {
	g := &group{buf: make([]byte, maxHeader)}
	for i := range events {
		g.add(&events[i])
	}
	return wal.Record{Sequence: first, Content: g.record(record{at: at})}
}

func (r *record) allEvents() []Event {
	var all []Event
	for r.count > 0 {
		all = append(all, r.cutEvent())
	}
	return all
}

func TestDecodeRecord(t *testing.T) {
	valid := encode(5, 1, []Event{testEvent(1), testEvent(2)}).Content
	change := func(at int, b byte) []byte {
		changed := bytes.Clone(valid)
		changed[at] = b
		return changed
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"valid":           {valid, nil},
		"empty":           {nil, errDamaged},
		"short":           {valid[:fixedHeader], errDamaged},
		"no events":       {change(fixedHeader, 0), errDamaged},
		"more events":     {change(fixedHeader, 3), errDamaged},
		"many events":     {change(fixedHeader, 127), errDamaged},
		"fewer events":    {change(fixedHeader, 1), errDamaged},
		"long field":      {change(fixedHeader+1, 127), errDamaged},
		"cut":             {valid[:len(valid)-1], errDamaged},
		"longer":          {append(bytes.Clone(valid), 0), errDamaged},
		"endless varint":  {append(bytes.Clone(valid[:fixedHeader]), bytes.Repeat([]byte{0xff}, 20)...), errDamaged},
		"overflowing one": {binary.AppendUvarint(append(bytes.Clone(valid[:fixedHeader]), 1), 1<<63), errDamaged},
	} {
		if _, err := decodeRecord(wal.Record{Sequence: 5, Content: test.data}); !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
	}
	if _, err := decodeRecord(encode(1<<64-1, 1, []Event{{}})); !errors.Is(err, errDamaged) {
		t.Errorf("the last sequence of all: got error %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte{}, uint64(1), "s", "id", "trace", []byte("body"), 3)
	f.Add(encode(7, 9, []Event{testEvent(1), {}}).Content, uint64(1<<63), "", "", "", []byte{}, 200)
	f.Add([]byte{1}, uint64(0), "s", "", "", []byte{}, 1)
	f.Fuzz(func(t *testing.T, data []byte, first uint64, subject, id, trace string, body []byte, count int) {
		if r, err := decodeRecord(wal.Record{Sequence: first, Content: data}); err == nil {
			events := r
			all := events.allEvents()
			if len(all) != r.count || len(events.events) != 0 {
				t.Fatalf("a record of %d events has %d, and %d bytes more", r.count, len(all), len(events.events))
			}
			// What can be decoded says the same when it is encoded again.
			again, err := decodeRecord(encode(r.first, r.at, all))
			if err != nil || !reflect.DeepEqual(again.allEvents(), all) {
				t.Fatalf("encoded again: %v", err)
			}
		}

		count = 1 + count&7
		events := make([]Event, count)
		for i := range events {
			events[i] = Event{Subject: subject[min(i, len(subject)):], MessageID: id, TraceParent: trace, Body: body}
		}
		r, err := decodeRecord(encode(first, int64(first), events))
		if possible := first <= 1<<64-1-uint64(count); possible != (err == nil) {
			t.Fatalf("sequence %d: got error %v", first, err)
		}
		if err != nil {
			return
		}
		if r.first != first || r.at != int64(first) || r.count != count {
			t.Fatalf("got %+v", r)
		}
		for i, got := range r.allEvents() {
			want := events[i]
			if got.Subject != want.Subject || got.MessageID != want.MessageID ||
				got.TraceParent != want.TraceParent || !bytes.Equal(got.Body, want.Body) {
				t.Fatalf("event %d: got %v, want %v", i, got, want)
			}
		}
	})
}
