// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// headerRoom is more than the names of the headers take, and that of a stream.
const headerRoom = 128

const headerTraceParent = "traceparent"

// Message makes the NATS message of an event. They share the body.
func Message(event *spool.Event) *nats.Msg {
	msg := &nats.Msg{Subject: event.Subject, Data: event.Body}
	if event.MessageID == "" && event.TraceParent == "" {
		return msg
	}
	msg.Header = make(nats.Header, 2)
	if event.MessageID != "" {
		msg.Header[nats.MsgIdHdr] = []string{event.MessageID}
	}
	if event.TraceParent != "" {
		msg.Header[headerTraceParent] = []string{event.TraceParent}
	}
	return msg
}

// Expect has the server refuse a message that another stream than the named one would
// store. An empty name expects none.
func Expect(msg *nats.Msg, stream string) *nats.Msg {
	if stream == "" {
		return msg
	}
	if msg.Header == nil {
		msg.Header = make(nats.Header, 1)
	}
	msg.Header[nats.ExpectedStreamHdr] = []string{stream}
	return msg
}

// MessageSize is what the message of an event counts for the server, or little more.
func MessageSize(event *spool.Event) int64 {
	return int64(len(event.Body) + len(event.MessageID) + len(event.TraceParent) + headerRoom)
}

// MessageBuffer is the memory for one message at a time. The zero value is ready.
type MessageBuffer struct {
	msg             nats.Msg
	header          nats.Header
	messageID, span [1]string
}

// Of returns the message of an event, valid until the next call: nats.go copies what
// it publishes, unless an ack is awaited.
func (b *MessageBuffer) Of(event *spool.Event) *nats.Msg {
	b.msg = nats.Msg{Subject: event.Subject, Data: event.Body}
	if event.MessageID == "" && event.TraceParent == "" {
		return &b.msg
	}
	if b.header == nil {
		b.header = make(nats.Header, 2)
	}
	clear(b.header)
	if event.MessageID != "" {
		b.messageID[0] = event.MessageID
		b.header[nats.MsgIdHdr] = b.messageID[:]
	}
	if event.TraceParent != "" {
		b.span[0] = event.TraceParent
		b.header[headerTraceParent] = b.span[:]
	}
	b.msg.Header = b.header
	return &b.msg
}
