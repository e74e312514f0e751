// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// newJetStream provisions a sink for a server. It is patient and, unless configured
// otherwise, has no spool; the log of its stream keeper is returned.
func newJetStream(t *testing.T, url string, configure func(*JetStream)) (*JetStream, *observer.ObservedLogs) {
	t.Helper()
	conntest.ObserveLogs(t)
	s := &JetStream{
		Connection: natsconn.Connection{Servers: []string{url}},
		Spool:      &delivery.Spool{Off: true},
		AckTimeout: caddy.Duration(natstest.Patience),
	}
	if configure != nil {
		configure(s)
	}
	if err := s.Provision(moduleContext(t)); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	if err := s.Validate(); err != nil {
		t.Fatalf("validating: %v", err)
	}
	return s, observeStreams(t)
}

// observeStreams collects what stream keepers log during the test.
func observeStreams(t *testing.T) *observer.ObservedLogs {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	original := stream.Logger
	stream.Logger = func() *zap.Logger { return zap.New(core) }
	t.Cleanup(func() { stream.Logger = original })
	return logs
}

// startJetStream starts a sink and stops it at the end of the test.
func startJetStream(t *testing.T, url string, configure func(*JetStream)) (*JetStream, *observer.ObservedLogs) {
	t.Helper()
	s, logs := newJetStream(t, url, configure)
	startSink(t, s)
	t.Cleanup(func() { stopJetStream(t, s) })
	return s, logs
}

// stopJetStream stops a sink and waits for the end of its connection.
func stopJetStream(t *testing.T, s *JetStream) {
	t.Helper()
	if link := s.lease.value; link != nil {
		stopAndWait(t, s, link.conn)
	}
}

// stopAndWait stops a sink and waits for the end of its connection, which is
// assumed to have no other user.
func stopAndWait(t *testing.T, s Starter, c *natsconn.Conn) {
	t.Helper()
	s.Stop()
	if c != nil {
		natstest.Receive(t, c.Done)
	}
}

// ackTimeout returns how to configure a sink that is less patient.
func ackTimeout(timeout time.Duration) func(*JetStream) {
	return func(s *JetStream) { s.AckTimeout = caddy.Duration(timeout) }
}

func TestJetStreamPublish(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	s, _ := startJetStream(t, server.ClientURL(), nil)
	event := newEvent("id-1")
	event.TraceParent = testTrace
	publish(t, s, event)
	publish(t, s, newEvent("id\r\nX-Injected: 1"))

	msgs := client.Stored(t)
	if len(msgs) != 2 {
		t.Fatalf("%d messages, want 2", len(msgs))
	}
	if msg := msgs[0]; msg.Subject != "segment.events.web.track" || string(msg.Data) != string(event.Body) ||
		len(msg.Header) != 2 || msg.Header.Get(nats.MsgIdHdr) != "web:id-1" || msg.Header.Get("traceparent") != testTrace {
		t.Errorf("stored %s %v %s", msg.Subject, msg.Header, msg.Data)
	}
	if msg := msgs[1]; len(msg.Header) != 1 || msg.Header.Get("X-Injected") != "" {
		t.Errorf("a message id reached the other headers: %q", msg.Header)
	}
}

func TestJetStreamMessageIDs(t *testing.T) {
	natstest.CheckLeaks(t)
	for _, test := range []struct {
		msgID string
		want  int
	}{{"payload", 2}, {"generated", 3}, {"none", 3}} {
		t.Run(test.msgID, func(t *testing.T) {
			server := natstest.StartPlain(t, natstest.WithJetStream)
			client := natstest.NewTestClient(t, server)
			client.Create(t, natstest.EventStream())
			s, _ := startJetStream(t, server.ClientURL(), func(s *JetStream) { s.MsgID = test.msgID })
			publish(t, s, newEvent("the same"))
			publish(t, s, newEvent("the same"))
			other := newEvent("the same")
			other.Source = "mail" // whose ids are its own
			publish(t, s, other)
			if got := len(client.Stored(t)); got != test.want {
				t.Errorf("%d messages, want %d", got, test.want)
			}
		})
	}
}

func TestJetStreamWithoutStream(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	s, logs := startJetStream(t, server.ClientURL(), ackTimeout(2*time.Second))
	began := time.Now()
	err := s.Publish(context.Background(), newEvent("1"))
	if took := time.Since(began); took >= natstest.Patience/2 {
		t.Errorf("failing took %s", took)
	}
	natstest.WantError(t, err, "no stream takes the subject, or JetStream is off: compare `nats stream ls --subjects`")
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterLevelExact(zap.WarnLevel).Len() == 1 })
	wantFindings(t, logs.FilterLevelExact(zap.WarnLevel), "no stream covers the subject segment.events.*.*: "+
		"create one, or write stream <name> { create } into the sink's block")

	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	ackTimeout(natstest.Patience)(s)
	publish(t, s, newEvent("2"))
	if n := len(client.Stored(t)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestJetStreamTooLarge(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, func(o *server.Options) { o.JetStream, o.MaxPayload = true, 2000 })
	client := natstest.NewTestClient(t, server)
	config := natstest.EventStream()
	config.MaxMsgSize = 1000
	client.Create(t, config)
	s, _ := startJetStream(t, server.ClientURL(), nil)
	for _, test := range []struct {
		size int
		want string
	}{
		{1500, "message size exceeds maximum allowed"},
		{2500, "raise max_payload there or lower max_event_size here"},
	} {
		began := time.Now()
		err := s.Publish(context.Background(), &pixel.Event{Source: "web", Type: pixel.Page, Body: make([]byte, test.size)})
		if took := time.Since(began); took >= natstest.Patience/2 {
			t.Errorf("failing took %s", took)
		}
		natstest.WantError(t, err, test.want)
	}
	publish(t, s, newEvent("small"))
	if n := len(client.Stored(t)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// TestJetStreamOutsideOfItsLife publishes as the requests do that come before a
// configuration is started and after it is cleaned up.
func TestJetStreamOutsideOfItsLife(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	s, _ := newJetStream(t, server.ClientURL(), nil)
	publish(t, s, newEvent("before"))
	startSink(t, s)
	publish(t, s, newEvent("between"))
	if n := server.NumClients(); n != 2 {
		t.Errorf("%d clients while it runs, want this test and one", n)
	}
	stopJetStream(t, s)
	natstest.Eventually(t, "the condition holds", func() bool { return server.NumClients() == 1 })
	for i := range 3 {
		publish(t, s, newEvent(fmt.Sprintf("after %d", i)))
	}
	if err := s.Reject(context.Background(), &pixel.Rejection{Reason: pixel.NoData}); err != nil {
		t.Errorf("rejecting: %v", err)
	}
	natstest.Eventually(t, "the condition holds", func() bool { return server.NumClients() == 1 })
	conntest.WantEmptyPool(t)
	if n := len(client.Stored(t)); n != 5 {
		t.Errorf("%d messages, want 5", n)
	}
}

// TestJetStreamStopsAfterItsLastEvent stops while an event waits for its ack, which
// the test itself sends in place of a stream.
func TestJetStreamStopsAfterItsLastEvent(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	received := natstest.NewTestClient(t, server).Receive(t, "segment.events.>")
	s, _ := newJetStream(t, server.ClientURL(), nil)
	startSink(t, s)
	c := s.lease.value.conn
	published := make(chan error, 1)
	go func() { published <- s.Publish(context.Background(), newEvent("1")) }()
	msg := natstest.Receive(t, received)
	s.Stop()
	select {
	case <-c.Done:
		t.Error("the connection has ended before the event")
	default:
	}
	if err := msg.Respond([]byte(`{"stream":"EVENTS","seq":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := natstest.Receive(t, published); err != nil {
		t.Error(err)
	}
	natstest.Receive(t, c.Done)
}

func TestJetStreamRejects(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	rejected := make(chan *nats.Msg, 10)
	if _, err := client.ChanSubscribe(">", rejected); err != nil {
		t.Fatal(err)
	}
	if err := client.Flush(); err != nil {
		t.Fatal(err)
	}
	reject := func(prefix string, reason pixel.Reason) {
		t.Helper()
		s, _ := startJetStream(t, server.ClientURL(), func(s *JetStream) { s.Rejected, s.ClientName = prefix, prefix })
		if err := s.Reject(context.Background(), &pixel.Rejection{Reason: reason, Detail: "why", Query: "data=x"}); err != nil {
			t.Errorf("rejecting: %v", err)
		}
	}
	next := func() *nats.Msg {
		t.Helper()
		for {
			// The client sees what goes to and from JetStream as well.
			if msg := natstest.Receive(t, rejected); !strings.HasPrefix(msg.Subject, "$") && !strings.HasPrefix(msg.Subject, "_INBOX.") {
				return msg
			}
		}
	}
	reject("off", pixel.BadJSON)
	reject("", pixel.NoData)
	msg := next()
	if msg.Subject != "segment.rejected.no_data" || string(msg.Data) != "data=x" ||
		msg.Header.Get("Segment-Reason") != "no_data" || msg.Header.Get("Segment-Detail") != "why" {
		t.Errorf("got %s %v %s, want the one that is not off", msg.Subject, msg.Header, msg.Data)
	}
	reject("refused", pixel.Method)
	if msg := next(); msg.Subject != "refused.method" {
		t.Errorf("got %s", msg.Subject)
	}
}

func TestJetStreamDomain(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, func(o *server.Options) { o.JetStream, o.JetStreamDomain = true, "hub" })
	client := natstest.NewTestClient(t, server)
	s, _ := startJetStream(t, server.ClientURL(), func(s *JetStream) {
		s.Domain, s.Stream = "hub", &stream.Stream{Name: "EVENTS", Create: &stream.Create{}}
	})
	publish(t, s, newEvent("1"))
	if n := len(client.Stored(t)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	_, logs := startJetStream(t, server.ClientURL(), func(s *JetStream) { s.Domain = "elsewhere" })
	natstest.Eventually(t, "the condition holds", func() bool { return logs.Len() == 1 })
	if failure := logs.All()[0].ContextMap()["error"].(string); !strings.Contains(failure, "looking for a stream that covers segment.events.*.*") {
		t.Errorf("found %q", failure)
	}
}

// TestJetStreamKeepsNoMemory has an event's memory reused while nats.go has not yet
// got rid of the message.
func TestJetStreamKeepsNoMemory(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	p := natstest.ProxyOf(t, server)
	s, _ := startJetStream(t, "nats://"+p.Address(), ackTimeout(200*time.Millisecond))
	natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
	p.Freeze()
	// More than fits into the buffers in between.
	event := &pixel.Event{Source: "web", Type: pixel.Page, MessageID: "1", Body: bytes.Repeat([]byte("a"), 500_000)}
	if err := s.Publish(context.Background(), event); !errors.Is(err, forward.ErrNoAck) {
		t.Errorf("got %v, want %v", err, forward.ErrNoAck)
	}
	for i := range event.Body {
		event.Body[i] = 'b'
	}
	p.Thaw()
	natstest.Eventually(t, "the condition holds", func() bool {
		stream, err := client.Js.Stream(t.Context(), "EVENTS")
		return err == nil && stream.CachedInfo().State.Msgs == 1
	})
	if data := client.Stored(t)[0].Data; bytes.Count(data, []byte("a")) != len(event.Body) {
		t.Error("the stored event is not the published one")
	}
}
