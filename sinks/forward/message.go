// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

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
