// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// tally is what a meter counts from a moment on: ports, and so labels, may come again.
type tally struct {
	m      *meter
	before *Counts
}

func countFrom(m *meter) tally { return tally{m, m.counts()} }

func (c tally) counts() Counts {
	now := c.m.counts()
	for cause, events := range c.before.Dropped {
		if now.Dropped[cause] -= events; now.Dropped[cause] == 0 {
			delete(now.Dropped, cause)
		}
	}
	return Counts{
		now.Published - c.before.Published, now.Acked - c.before.Acked,
		now.Retried - c.before.Retried, now.SetAside - c.before.SetAside, now.Dropped,
	}
}

// want waits until so much has been counted, without what was sent again.
func (c tally) want(t *testing.T, want Counts) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("counted %+v, want %+v", c.counts(), want)
		}
	}()
	eventually(t, patience, func() bool {
		got := c.counts()
		return got.Published == want.Published && got.Acked == want.Acked &&
			got.SetAside == want.SetAside && maps.Equal(got.Dropped, want.Dropped)
	})
}

// foreign is a sink of which nothing is known.
type foreign struct{}

func (foreign) Publish(context.Context, *pixel.Event) error { return nil }

// module is one that Caddy knows.
type module struct{ foreign }

func (module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: Namespace + ".queue", New: func() caddy.Module { return module{} }}
}

func TestDropped(t *testing.T) {
	for _, test := range []struct {
		sink Sink
		want labels
	}{
		{foreign{}, labels{sink: "sinks.foreign"}},
		{module{}, labels{sink: "queue"}},
		{loadSink(t, "log", `{}`), labels{sink: "log"}},
		{loadSink(t, "writer", `{}`), labels{sink: "writer"}},
		{loadSink(t, "nats", `{"servers":["nats://u:p@a,b:1"],"subject":"a.{source}-x.{event}"}`), labels{"nats", "nats://a,nats://b:1", "a.*.*"}},
		{loadSink(t, "jetstream", `{"context":"prod"}`), labels{"jetstream", "context prod", "segment.events.*.*"}},
		{loadSink(t, "jetstream", `{}`), labels{"jetstream", "nats://127.0.0.1:4222", "segment.events.*.*"}},
	} {
		c := countFrom(meterOf(test.want))
		Dropped(test.sink, forward.ErrNoAck)
		Dropped(test.sink, errors.New("strange"))
		Dropped(test.sink, ErrPanic)
		Dropped(test.sink, ErrPanic)
		c.want(t, Counts{Dropped: map[string]uint64{"no_ack": 1, "other": 1, "panic": 2}})
	}
}

// TestMeterIsCheap has events counted, which happens for each.
func TestMeterIsCheap(t *testing.T) {
	m := meterOf(labels{sink: jetStreamName, server: "cheap"})
	if n := testing.AllocsPerRun(100, func() {
		m.Sent(1)
		m.SentAgain(1)
		m.Acked(1, time.Millisecond)
		m.SetAside()
		m.Dropped(forward.ErrNotConnected)
	}); n > 0 {
		t.Errorf("counting allocates %v times", n)
	}
}

// TestMeterOfNATS counts what is handed to NATS at once and later, what NATS refuses
// then, and what is lost with the connection.
func TestMeterOfNATS(t *testing.T) {
	checkLeaks(t)
	nats := newRestartable(t)
	s := startNATS(t, nats.url(), nil)
	other := startNATS(t, nats.url(), func(s *NATS) { s.Subject = "other.{type}" })
	if s.lease.value != other.lease.value {
		t.Fatal("the sinks have a connection each")
	}
	c, o := countFrom(s.meter()), countFrom(other.meter())
	for range 3 {
		publish(t, s, newEvent("1"))
	}
	publish(t, other, newEvent("1"))
	publish(t, other, &pixel.Event{Source: "web", Type: pixel.Page, Body: make([]byte, 2<<20)})
	c.want(t, Counts{})
	nats.start()
	c.want(t, Counts{Published: 3})
	o.want(t, Counts{Published: 1, Dropped: map[string]uint64{"too_large": 1}})

	nats.stop()
	eventually(t, patience, func() bool { return !s.lease.value.connected() })
	publish(t, s, newEvent("2"))
	publish(t, other, newEvent("2"))
	publish(t, other, newEvent("3"))
	s.Stop()
	stopAndWait(t, other, other.lease.value)
	c.want(t, Counts{Published: 3, Dropped: map[string]uint64{"not_connected": 1}})
	o.want(t, Counts{Published: 1, Dropped: map[string]uint64{"too_large": 1, "not_connected": 2}})
}

// TestMeterOfJetStream counts what is sent to a stream, with and without a spool.
func TestMeterOfJetStream(t *testing.T) {
	checkLeaks(t)
	server := startServer(t, withJetStream)
	newTestClient(t, server).create(t, eventStream())
	direct, _ := startJetStream(t, server.ClientURL(), nil)
	spooled := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
	if direct.meter() != spooled.meter() {
		t.Error("the same labels have two meters")
	}
	c := countFrom(direct.meter())
	publishMany(t, direct, "direct", 3)
	c.want(t, Counts{Published: 3, Acked: 3})
	publishMany(t, spooled, "spooled", 20)
	c.want(t, Counts{Published: 23, Acked: 23})
	if n := c.counts().Retried; n != 0 {
		t.Errorf("%d events were sent again", n)
	}
}

// TestMeterOfRetries has no stream at first: events are sent again until there is one.
func TestMeterOfRetries(t *testing.T) {
	checkLeaks(t)
	server := startServer(t, withJetStream)
	for name, start := range map[string]func(t *testing.T) *JetStream{
		"direct": func(t *testing.T) *JetStream { s, _ := startJetStream(t, server.ClientURL(), nil); return s },
		"spool":  func(t *testing.T) *JetStream { return startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			client := newTestClient(t, server)
			s := start(t)
			c := countFrom(s.meter())
			published := make(chan error, 1)
			go func() { published <- s.Publish(t.Context(), newEvent(name)) }()
			eventually(t, patience, func() bool { return c.counts().Retried > 1 })
			client.create(t, eventStream())
			if err := receive(t, published); err != nil {
				t.Error(err)
			}
			c.want(t, Counts{Published: 1, Acked: 1})
			if err := client.js.DeleteStream(t.Context(), "EVENTS"); err != nil {
				t.Error(err)
			}
		})
	}
}
