// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	tooLarge = `{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"S","seq":0}`
	noBatch  = `{"error":{"code":400,"err_code":10207,"description":"unknown batch"},"stream":"S","seq":0}`
	flowErr  = `{"type":"err","seq":3,"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}`
)

func reply(data string) *nats.Msg {
	return &nats.Msg{Data: []byte(data)}
}

func refusal() *nats.Msg {
	return &nats.Msg{Header: nats.Header{"Status": {"503"}}}
}

func TestParseReply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		msg  *nats.Msg
		want batchReply
		err  error // nil: none; errAny: any
	}{
		"flow ack":               {reply(`{"type":"ack","seq":500,"msgs":500}`), batchReply{Type: "ack", Sequence: 500}, nil},
		"gap":                    {reply(`{"type":"gap","last_seq":3,"seq":7}`), batchReply{Type: "gap", Sequence: 7}, nil},
		"end":                    {reply(`{"stream":"S","seq":9,"batch":"b","count":4}`), batchReply{Stream: "S", Sequence: 9, Count: 4}, nil},
		"end in a domain":        {reply(`{"stream":"S","domain":"D","seq":9,"batch":"b","count":4}`), batchReply{Stream: "S", Sequence: 9, Count: 4}, nil},
		"duplicate":              {reply(`{"stream":"S","seq":9,"duplicate": true,"batch":"b","count":1}`), batchReply{Stream: "S", Sequence: 9, Count: 1}, nil},
		"ack of a single one":    {reply(`{"stream":"S","seq":9}`), batchReply{Stream: "S", Sequence: 9}, nil},
		"flow error":             {reply(flowErr), batchReply{}, errAny},
		"flow error without one": {reply(`{"type":"err","seq":3}`), batchReply{}, errAny},
		"refusal":                {reply(tooLarge), batchReply{}, errAny},
		"ack with an error":      {reply(`{"type":"ack","seq":500,"error":{"code":500}}`), batchReply{}, errAny},
		"end with an error":      {reply(`{"stream":"S","count":4,"error":{"code":500}}`), batchReply{}, errAny},
		"no stream":              {refusal(), batchReply{}, nats.ErrNoResponders},
		"nothing":                {&nats.Msg{}, batchReply{}, errAny},
		"another status":         {&nats.Msg{Header: nats.Header{"Status": {"408"}}}, batchReply{}, errAny},
		"no JSON":                {reply("+OK"), batchReply{}, errAny},
		"no object":              {reply("500"), batchReply{}, errAny},
		"half an object":         {reply(`{"type":"ack","seq":500`), batchReply{}, errAny},
		"negative":               {reply(`{"type":"ack","seq":-1}`), batchReply{}, errAny},
		"null":                   {reply("null"), batchReply{}, jetstream.ErrInvalidJSAck},
		"empty":                  {reply("{}"), batchReply{}, jetstream.ErrInvalidJSAck},
		"count alone":            {reply(`{"count":4}`), batchReply{}, jetstream.ErrInvalidJSAck},
		"another type":           {reply(`{"type":"io.nats.something","stream":"S","count":4}`), batchReply{}, jetstream.ErrInvalidJSAck},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseReply(test.msg)
			switch {
			case test.err == nil && (err != nil || got != test.want):
				t.Errorf("it is read as %+v, %v, want %+v", got, err, test.want)
			case test.err != nil && err == nil:
				t.Errorf("it is read as %+v", got)
			case !errors.Is(test.err, errAny) && !errors.Is(err, test.err):
				t.Errorf("the error is %v, want %v", err, test.err)
			}
		})
	}
}

var errAny = errors.New("any")

// What a batch of five is known to have stored, and when it is over.
func TestProgress(t *testing.T) {
	t.Parallel()
	const flow = ".1.$FI"
	ack := func(n string) *nats.Msg { return reply(`{"type":"ack","seq":` + n + `,"msgs":1}`) }
	end := func(n string) *nats.Msg { return reply(`{"stream":"S","seq":77,"batch":"b","count":` + n + `}`) }
	gap := reply(`{"type":"gap","last_seq":1,"seq":9}`)
	type step struct {
		place string
		msg   *nats.Msg
	}
	for name, test := range map[string]struct {
		steps  []step // the last one is that which ends the batch, if any does
		stored int
		last   bool
		failed bool
	}{
		"whole":                    {[]step{{"1", ack("0")}, {"5", end("5")}}, 5, true, false},
		"flow acks":                {[]step{{"1", ack("0")}, {"2", ack("2")}, {"4", ack("4")}}, 4, false, false},
		"flow acks out of order":   {[]step{{"4", ack("4")}, {"2", ack("2")}}, 4, false, false},
		"more than there are":      {[]step{{"4", ack("18446744073709551615")}}, 5, false, false},
		"end beyond it":            {[]step{{"5", end("9223372036854775808")}}, 5, true, false},
		"end too early":            {[]step{{"5", end("3")}}, 3, true, true},
		"end without a count":      {[]step{{"1", reply(`{"stream":"S","seq":9}`)}}, 0, true, true},
		"end behind a flow ack":    {[]step{{"4", ack("4")}, {"5", end("2")}}, 4, true, true},
		"gap":                      {[]step{{"4", gap}, {"2", end("2")}}, 2, true, true},
		"gap, and no less":         {[]step{{"4", gap}, {"5", ack("5")}}, 3, false, true},
		"flow error":               {[]step{{"3", reply(flowErr)}, {"2", end("2")}}, 2, true, true},
		"flow error at the last":   {[]step{{"5", reply(flowErr)}, {"4", end("4")}}, 4, true, true},
		"ack after a flow error":   {[]step{{"3", reply(flowErr)}, {"5", end("5")}}, 2, true, true},
		"one refused":              {[]step{{"3", reply(tooLarge)}, {"4", gap}, {"2", end("2")}}, 2, true, true},
		"first refused":            {[]step{{"1", reply(tooLarge)}, {"2", reply(noBatch)}, {"5", reply(noBatch)}}, 0, true, true},
		"last refused":             {[]step{{"4", ack("4")}, {"5", reply(tooLarge)}}, 4, true, true},
		"ack of all after refusal": {[]step{{"3", reply(tooLarge)}, {"5", end("5")}}, 2, true, true},
		"no stream":                {[]step{{"1", refusal()}, {"2", refusal()}, {"5", refusal()}}, 0, true, true},
		"rubbish":                  {[]step{{"2", reply("?")}, {"5", end("5")}}, 1, true, true},
		"rubbish at no place":      {[]step{{"x", reply("?")}, {"5", end("5")}}, 0, true, true},
		"refusal at no place":      {[]step{{"-7", reply(tooLarge)}, {"", reply(tooLarge)}, {"5", end("5")}}, 0, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgress(5)
			for i, s := range test.steps {
				last := p.note(s.place+flow, s.msg)
				if want := test.last && i == len(test.steps)-1; last != want {
					t.Errorf("after step %d, being the last is %v", i+1, last)
				}
			}
			if p.stored != test.stored {
				t.Errorf("%d are stored, want %d", p.stored, test.stored)
			}
			if (p.cause != nil) != test.failed {
				t.Errorf("the cause is %v", p.cause)
			}
		})
	}
}

// Whatever comes, no more counts as stored than there is, and nothing counts that
// was refused or stands behind what was.
func FuzzReply(f *testing.F) {
	for _, data := range []string{
		"", "{}", "null", "+OK", tooLarge, noBatch, flowErr,
		`{"type":"ack","seq":500,"msgs":500}`,
		`{"type":"gap","last_seq":3,"seq":7}`,
		`{"stream":"S","seq":9,"batch":"b","count":4}`,
		`{"stream":"S","seq":9,"count":18446744073709551615}`,
		`{"type":"ack","seq":4,"error":{}}`,
	} {
		f.Add([]byte(data), "", "3.1.$FI", uint16(5))
		f.Add([]byte(data), "503", "5.2.$FI", uint16(5))
		f.Add([]byte(data), "", "x", uint16(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, status, place string, n uint16) {
		msg := &nats.Msg{Data: data}
		if status != "" {
			msg.Header = nats.Header{"Status": {status}}
		}
		p := newProgress(int(n))
		p.note("1.0.$FI", reply(`{"type":"ack","seq":2}`))
		before := p.stored
		p.note(place, msg)
		if p.stored < before || p.stored > int(n) {
			t.Fatalf("%d of %d are stored", p.stored, n)
		}
		reply, err := parseReply(msg)
		if err == nil && reply.Type != replyGap {
			return
		}
		if p.stored != before || p.cause == nil {
			t.Fatalf("a refusal makes %d stored, cause %v", p.stored, p.cause)
		}
		p.note("9.2.$FI", &nats.Msg{Data: []byte(`{"stream":"S","count":65535}`)})
		if limit := max(sequenceOf(place)-1, before, 0); p.stored > limit {
			t.Fatalf("after a refusal at %q, %d are stored", place, p.stored)
		}
	})
}
