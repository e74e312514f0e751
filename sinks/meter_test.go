// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// tally is what a meter counts from a moment on: ports, and so labels, may come again.
type tally struct {
	m      *meter.Meter
	before *report.Counts
}

func countFrom(m *meter.Meter) tally { return tally{m, m.Counts()} }

func (c tally) counts() report.Counts {
	now := c.m.Counts()
	for cause, events := range c.before.Dropped {
		if now.Dropped[cause] -= events; now.Dropped[cause] == 0 {
			delete(now.Dropped, cause)
		}
	}
	return report.Counts{
		Published: now.Published - c.before.Published, Acked: now.Acked - c.before.Acked,
		Retried: now.Retried - c.before.Retried, SetAside: now.SetAside - c.before.SetAside, Dropped: now.Dropped,
	}
}

// want waits until so much has been counted, without what was sent again.
func (c tally) want(t *testing.T, want report.Counts) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("counted %+v, want %+v", c.counts(), want)
		}
	}()
	natstest.Eventually(t, "the condition holds", func() bool {
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
		want meter.Labels
	}{
		{foreign{}, meter.Labels{Sink: "sinks.foreign"}},
		{module{}, meter.Labels{Sink: "queue"}},
		{loadSink(t, "log", `{}`), meter.Labels{Sink: "log"}},
		{loadSink(t, "writer", `{}`), meter.Labels{Sink: "writer"}},
		{loadSink(t, "nats", `{"servers":["nats://u:p@a,b:1"],"subject":"a.{source}-x.{event}"}`), meter.Labels{Sink: "nats", Server: "nats://a,nats://b:1", Subject: "a.*.*"}},
		{loadSink(t, "jetstream", `{"context":"prod"}`), meter.Labels{Sink: "jetstream", Server: "context prod", Subject: "segment.events.*.*"}},
		{loadSink(t, "jetstream", `{}`), meter.Labels{Sink: "jetstream", Server: "nats://127.0.0.1:4222", Subject: "segment.events.*.*"}},
	} {
		c := countFrom(meter.Of(test.want))
		Dropped(test.sink, forward.ErrNoAck)
		Dropped(test.sink, errors.New("strange"))
		Dropped(test.sink, report.ErrPanic)
		Dropped(test.sink, report.ErrPanic)
		c.want(t, report.Counts{Dropped: map[string]uint64{"no_ack": 1, "other": 1, "panic": 2}})
	}
}

// TestMeterIsCheap has events counted, which happens for each.
func TestMeterIsCheap(t *testing.T) {
	m := meter.Of(meter.Labels{Sink: meter.JetStream, Server: "cheap"})
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
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	s := startNATS(t, nats.URL(), nil)
	other := startNATS(t, nats.URL(), func(s *NATS) { s.Subject = "other.{type}" })
	if s.lease.value != other.lease.value {
		t.Fatal("the sinks have a connection each")
	}
	c, o := countFrom(s.meter()), countFrom(other.meter())
	for range 3 {
		publish(t, s, newEvent("1"))
	}
	publish(t, other, newEvent("1"))
	publish(t, other, &pixel.Event{Source: "web", Type: pixel.Page, Body: make([]byte, 2<<20)})
	c.want(t, report.Counts{})
	nats.Start()
	c.want(t, report.Counts{Published: 3})
	o.want(t, report.Counts{Published: 1, Dropped: map[string]uint64{"too_large": 1}})

	nats.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return !s.lease.value.Connected() })
	publish(t, s, newEvent("2"))
	publish(t, other, newEvent("2"))
	publish(t, other, newEvent("3"))
	s.Stop()
	stopAndWait(t, other, other.lease.value)
	c.want(t, report.Counts{Published: 3, Dropped: map[string]uint64{"not_connected": 1}})
	o.want(t, report.Counts{Published: 1, Dropped: map[string]uint64{"too_large": 1, "not_connected": 2}})
}

// TestMeterOfJetStream counts what is sent to a stream, with and without a spool.
func TestMeterOfJetStream(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	natstest.NewTestClient(t, server).Create(t, natstest.EventStream())
	direct, _ := startJetStream(t, server.ClientURL(), nil)
	spooled := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
	if direct.meter() != spooled.meter() {
		t.Error("the same labels have two meters")
	}
	c := countFrom(direct.meter())
	publishMany(t, direct, "direct", 3)
	c.want(t, report.Counts{Published: 3, Acked: 3})
	publishMany(t, spooled, "spooled", 20)
	c.want(t, report.Counts{Published: 23, Acked: 23})
	if n := c.counts().Retried; n != 0 {
		t.Errorf("%d events were sent again", n)
	}
}

// TestMeterOfRetries has no stream at first: events are sent again until there is one.
func TestMeterOfRetries(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	for name, start := range map[string]func(t *testing.T) *JetStream{
		"direct": func(t *testing.T) *JetStream { s, _ := startJetStream(t, server.ClientURL(), nil); return s },
		"spool":  func(t *testing.T) *JetStream { return startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			client := natstest.NewTestClient(t, server)
			s := start(t)
			c := countFrom(s.meter())
			published := make(chan error, 1)
			go func() { published <- s.Publish(t.Context(), newEvent(name)) }()
			natstest.Eventually(t, "the condition holds", func() bool { return c.counts().Retried > 1 })
			client.Create(t, natstest.EventStream())
			if err := natstest.Receive(t, published); err != nil {
				t.Error(err)
			}
			c.want(t, report.Counts{Published: 1, Acked: 1})
			if err := client.Js.DeleteStream(t.Context(), "EVENTS"); err != nil {
				t.Error(err)
			}
		})
	}
}
