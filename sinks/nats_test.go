// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func newNATS(t *testing.T, url string, configure func(*NATS)) *NATS {
	t.Helper()
	conntest.ObserveLogs(t)
	s := &NATS{Connection: natsconn.Connection{Servers: []string{url}}}
	if configure != nil {
		configure(s)
	}
	if err := s.Provision(moduleContext(t)); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	if err := s.Validate(); err != nil {
		t.Fatalf("validating: %v", err)
	}
	return s
}

func startNATS(t *testing.T, url string, configure func(*NATS)) *NATS {
	t.Helper()
	s := newNATS(t, url, configure)
	startSink(t, s)
	t.Cleanup(func() { stopAndWait(t, s, s.lease.value) })
	return s
}

func TestNATSPublish(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	received := natstest.NewTestClient(t, server).Receive(t, ">")
	s := startNATS(t, server.ClientURL(), func(s *NATS) { s.Subject = "pixel.{source}.{event}" })
	event := newEvent("id-1")
	event.TraceParent = testTrace
	want := string(event.Body)
	publish(t, s, event)
	clear(event.Body) // its memory is used again
	msg := natstest.Receive(t, received)
	if msg.Subject != "pixel.web.Opened" || string(msg.Data) != want || len(msg.Header) != 2 ||
		msg.Header.Get(nats.MsgIdHdr) != "web:id-1" || msg.Header.Get("traceparent") != testTrace {
		t.Errorf("got %s %v %s", msg.Subject, msg.Header, msg.Data)
	}
}

func TestNATSRejects(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	received := natstest.NewTestClient(t, server).Receive(t, ">")
	refuse := func(prefix string, rejection *pixel.Rejection) {
		t.Helper()
		s := startNATS(t, server.ClientURL(), func(s *NATS) { s.Rejected, s.ClientName = prefix, prefix })
		if err := s.Reject(context.Background(), rejection); err != nil {
			t.Errorf("rejecting: %v", err)
		}
	}
	refuse("off", &pixel.Rejection{Reason: pixel.BadJSON})
	refuse("", &pixel.Rejection{Reason: pixel.NoEvent, Source: "web", Type: pixel.Track, Query: "data=x"})
	msg := natstest.Receive(t, received)
	if msg.Subject != "segment.rejected.no_event" || string(msg.Data) != "data=x" || msg.Header.Get("Segment-Source") != "web" {
		t.Errorf("got %s %v %s, want the one that is not off", msg.Subject, msg.Header, msg.Data)
	}
	refuse("refused", pixel.Reject(pixel.DNT, "DNT: 1", pixel.Page, "data=x", &pixel.Facts{OptOut: pixel.DNT}))
	if msg := natstest.Receive(t, received); msg.Subject != "refused.dnt" || len(msg.Data) > 0 {
		t.Errorf("got %s %s", msg.Subject, msg.Data)
	}
}

// TestNATSHoldsEvents publishes before the server is there and while it is away. A
// stream of the server's shows what has come.
func TestNATSHoldsEvents(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	nats.Start()
	natstest.NewTestClient(t, nats.Server).Create(t, natstest.EventStream())
	nats.Stop()

	s := startNATS(t, nats.URL(), nil)
	stored := func(want ...string) {
		t.Helper()
		client := natstest.NewTestClient(t, nats.Server)
		natstest.Eventually(t, "the condition holds", func() bool { return len(client.Stored(t)) == len(want) })
		for i, msg := range client.Stored(t) {
			if id := msg.Header.Get("Nats-Msg-Id"); id != "web:"+want[i] || !strings.Contains(string(msg.Data), want[i]) {
				t.Errorf("message %d is %s: %s", i, id, msg.Data)
			}
		}
		client.Close()
	}
	hold := func(id string) {
		t.Helper()
		event := newEvent(id)
		publish(t, s, event)
		clear(event.Body)
	}
	hold("early 1")
	hold("early 2")
	nats.Start()
	stored("early 1", "early 2")

	nats.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return !s.lease.value.Connected() })
	hold("late 1")
	hold("late 2")
	nats.Start()
	stored("early 1", "early 2", "late 1", "late 2")
}

func TestNATSOutboxIsFull(t *testing.T) {
	natstest.CheckLeaks(t)
	s := startNATS(t, fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t)), nil)
	event := &pixel.Event{Source: "web", Type: pixel.Page, Body: make([]byte, 1<<20)}
	var err error
	for range 8 {
		err = errors.Join(err, s.Publish(context.Background(), event))
	}
	if !errors.Is(err, report.ErrOutboxFull) {
		t.Errorf("got %v, want %v", err, report.ErrOutboxFull)
	}
	if err := s.Reject(context.Background(), &pixel.Rejection{Reason: pixel.NoData, Query: "q"}); !errors.Is(err, forward.ErrNotConnected) {
		t.Errorf("got %v for a rejection, want %v", err, forward.ErrNotConnected)
	}
	if n := s.lease.value.Outbox.Size(); n != 7 {
		t.Errorf("%d messages wait, want the 7 events that fit", n)
	}
}

// TestNATSOutsideOfItsLife publishes as the requests do that come before a
// configuration is started and after it is cleaned up.
func TestNATSOutsideOfItsLife(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	received := natstest.NewTestClient(t, server).Receive(t, "segment.>")
	s := newNATS(t, server.ClientURL(), nil)
	want := func(id string) {
		t.Helper()
		if got := natstest.Receive(t, received).Header.Get(nats.MsgIdHdr); got != "web:"+id {
			t.Errorf("got %s, want %s", got, id)
		}
	}
	publish(t, s, newEvent("before"))
	want("before")
	startSink(t, s)
	publish(t, s, newEvent("between"))
	want("between")
	stopAndWait(t, s, s.lease.value)
	for i := range 20 {
		id := fmt.Sprintf("after %d", i)
		publish(t, s, newEvent(id))
		want(id)
	}
	if err := s.Reject(context.Background(), &pixel.Rejection{Reason: pixel.NoData}); err != nil {
		t.Errorf("rejecting: %v", err)
	}
	if msg := natstest.Receive(t, received); msg.Subject != "segment.rejected.no_data" {
		t.Errorf("got %s", msg.Subject)
	}
	natstest.Eventually(t, "the condition holds", func() bool { return server.NumClients() == 1 })
	conntest.WantEmptyPool(t)
}

func TestNATSTooLarge(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	s := startNATS(t, server.ClientURL(), nil)
	natstest.Eventually(t, "the condition holds", s.lease.value.Connected)
	err := s.Publish(context.Background(), &pixel.Event{Source: "web", Type: pixel.Page, Body: make([]byte, 2<<20)})
	natstest.WantError(t, err, "raise max_payload there or lower max_event_size here")
}

func TestNATSStartErrors(t *testing.T) {
	s := newNATS(t, "nats://127.0.0.1:1", func(s *NATS) { s.Creds = "/nowhere/user.creds" })
	natstest.WantError(t, s.Start(Site{}), "creds: ")
	natstest.WantError(t, s.Publish(context.Background(), newEvent("1")), "creds: ")
	conntest.WantEmptyPool(t)
}
