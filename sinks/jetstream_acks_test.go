// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestJetStreamLostAck has the first copy of an event swallowed by a subscriber
// that never answers, as a leader that dies does, before there is a stream.
func TestJetStreamLostAck(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	swallowed := make(chan *nats.Msg, 1)
	subscription, err := client.ChanSubscribe("segment.events.>", swallowed)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Flush(); err != nil {
		t.Fatal(err)
	}
	s, _ := startJetStream(t, server.ClientURL(), nil)
	result := make(chan error, 1)
	go func() { result <- s.Publish(context.Background(), newEvent("lost ack")) }()
	natstest.Receive(t, swallowed)
	if err := subscription.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	client.Create(t, natstest.EventStream())
	if err := natstest.Receive(t, result); err != nil {
		t.Fatal(err)
	}
	if msgs := client.Stored(t); len(msgs) != 1 || msgs[0].Header.Get(nats.MsgIdHdr) != "web:lost ack" {
		t.Errorf("stored %v", msgs)
	}
}

// TestJetStreamFull publishes to a stream that is full. The sink has all the time
// it could wish for, but does not use it.
func TestJetStreamFull(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	config := natstest.EventStream()
	config.MaxMsgs = 1
	client.Create(t, config)
	s, _ := startJetStream(t, server.ClientURL(), nil)
	publish(t, s, newEvent("1"))
	tries := client.Receive(t, "segment.>")
	err := s.Publish(context.Background(), newEvent("2"))
	if err == nil || !strings.Contains(err.Error(), "the stream is full") {
		t.Errorf("got %v", err)
	}
	natstest.Receive(t, tries)
	// This goes the way of the event, and so comes behind all copies of it.
	if err := s.Reject(context.Background(), &pixel.Rejection{Reason: pixel.NoData}); err != nil {
		t.Fatal(err)
	}
	if msg := natstest.Receive(t, tries); msg.Subject != "segment.rejected.no_data" {
		t.Errorf("tried again: got %s", msg.Subject)
	}
}

// TestMessageIDsStayDifferent publishes ids of which nats.go would make the same
// header.
func TestMessageIDsStayDifferent(t *testing.T) {
	m := provisionMessages(t, &Messages{})
	seen := make(map[string]string)
	for _, id := range []string{"m1", "m1 ", "m1\t", "m1  ", "a b", "a\nb", "a\rb", "a\r\nb", "a%b"} {
		header := m.event(context.Background(), newEvent(id)).MessageID
		if strings.TrimSpace(header) != header || strings.ContainsAny(header, "\r\n") {
			t.Errorf("%q became %q, which nats.go changes", id, header)
		}
		if other, taken := seen[header]; taken {
			t.Errorf("%q and %q both became %q", id, other, header)
		}
		seen[header] = id
	}
}
