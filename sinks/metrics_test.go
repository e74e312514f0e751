// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/messageid"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// register makes the registry of one configuration.
func register(t *testing.T) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewRegistry()
	for _, collector := range Collectors() {
		if err := registry.Register(collector); err != nil {
			t.Fatalf("registering: %v", err)
		}
	}
	return registry
}

// gather returns the value of every series with all of the labels, by the name of its
// metric without the prefix, and its cause if it has one. Of a histogram, it is the count.
func gather(t *testing.T, registry *prometheus.Registry, labels ...string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("gathering: %v", err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var pairs []string
			name := strings.TrimPrefix(family.GetName(), "caddy_segment_pixel_")
			for _, pair := range metric.GetLabel() {
				pairs = append(pairs, pair.GetName()+"="+pair.GetValue())
				if pair.GetName() == "cause" {
					name += " " + pair.GetValue()
				}
			}
			if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(pairs, l) }) {
				continue
			}
			values[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() +
				float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return values
}

func wantValues(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		if v, there := got[name]; !there || v != value {
			t.Errorf("%s is %v (there: %v), want %v", name, v, there, value)
		}
	}
}

// TestMetrics has what a reload does: a second registry, and a sink that is like the
// first.
func TestMetrics(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	natstest.NewTestClient(t, server).Create(t, natstest.EventStream())
	dir := t.TempDir()
	before := register(t)
	first := startSpooled(t, server.ClientURL(), spooled(dir), 1)
	labels := []string{"sink=jetstream", "server=" + server.ClientURL(), "subject=segment.events.*.*"}
	c := countFrom(first.meter())
	publishMany(t, first, "a", 5)
	c.want(t, report.Counts{Published: 5, Acked: 5})

	after := register(t)
	second := startSpooled(t, server.ClientURL(), spooled(dir), 2)
	publishMany(t, second, "b", 5)
	c.want(t, report.Counts{Published: 10, Acked: 10})
	now := c.m.Counts()
	for _, registry := range []*prometheus.Registry{before, after, after} {
		got := gather(t, registry, labels...)
		wantValues(t, got, map[string]float64{
			"sink_published_total": float64(now.Published), "sink_acked_total": float64(now.Acked),
			"sink_retried_total": float64(now.Retried), "sink_set_aside_total": float64(now.SetAside),
			"sink_dropped_total spool_full": 0, "sink_dropped_total other": 0, "sink_connected": 1,
		})
		if got["sink_ack_seconds"] == 0 {
			t.Error("no ack was timed")
		}
	}
	natstest.Eventually(t, "the condition holds", func() bool { return second.Status().Spool.Events == 0 })
	spool := gather(t, after, "dir="+second.Status().Spool.Dir)
	wantValues(t, spool, map[string]float64{
		"spool_events": 0, "spool_oldest_seconds": 0, "spool_open": 1, "spool_failing": 0, "spool_full": 0,
		"spool_capacity_bytes": delivery.DefaultSize,
	})
	if spool["spool_bytes"] == 0 {
		t.Error("the spool takes no bytes")
	}

	first.Stop()
	wantValues(t, gather(t, after, labels...), map[string]float64{"sink_connected": 1})
	second.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })
	got := gather(t, after, labels...)
	if _, there := got["sink_connected"]; there || got["sink_published_total"] != float64(now.Published) {
		t.Errorf("after the last sink has stopped, there is %v", got)
	}
	if got := gather(t, after, "dir="+dir); len(got) > 0 {
		t.Errorf("after the spool was closed, there is %v", got)
	}
}

// TestMetricsOfOutage looks at the gauges while NATS is away.
func TestMetricsOfOutage(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	registry := register(t)
	s := startSpooled(t, nats.URL(), spooled(t.TempDir(), func(s *JetStream) { s.Spool.MaxSize = delivery.MinSize }), nil)
	labels := []string{"sink=jetstream", "server=" + nats.URL()}
	dir := "dir=" + s.Status().Spool.Dir
	publish(t, s, newEvent("1"))
	wantValues(t, gather(t, registry, labels...), map[string]float64{"sink_connected": 0})
	got := gather(t, registry, dir)
	wantValues(t, got, map[string]float64{"spool_events": 1, "spool_full": 0})
	if got["spool_oldest_seconds"] <= 0 {
		t.Errorf("the oldest event is %v s old", got["spool_oldest_seconds"])
	}
	err := fill(t, s)
	c := countFrom(s.meter())
	Dropped(s, err)
	c.want(t, report.Counts{Dropped: map[string]uint64{"spool_full": 1}})
	wantValues(t, gather(t, registry, dir), map[string]float64{"spool_full": 1, "spool_open": 1})

	nats.Start()
	natstest.Eventually(t, "the condition holds", func() bool { return gather(t, registry, labels...)["sink_connected"] == 1 })
}

// TestMetricsOfSpoolOpenedAgain opens a spool again in which an event waits that was sent:
// it is not published for the first time.
func TestMetricsOfSpoolOpenedAgain(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	configure := spooled(t.TempDir(), func(s *JetStream) { s.DrainTimeout = caddy.Duration(time.Millisecond) })
	first := startSpooled(t, server.ClientURL(), configure, 1)
	c := countFrom(first.meter())
	publish(t, first, newEvent("1"))
	c.want(t, report.Counts{Published: 1}) // There is no stream.
	first.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })

	natstest.NewTestClient(t, server).Create(t, natstest.EventStream())
	before := c.counts().Retried
	startSpooled(t, server.ClientURL(), configure, 2)
	c.want(t, report.Counts{Published: 1, Acked: 1})
	if again := c.counts().Retried - before; again < 1 {
		t.Errorf("it was counted as sent again %d times", again)
	}
}

// fill publishes until an event is refused, and returns why.
func fill(t *testing.T, s *JetStream) error {
	t.Helper()
	for i := 0; ; i++ {
		event := newEvent(fmt.Sprint(i))
		for range 200 { // which does not get smaller when it is compressed
			event.Body = append(event.Body, messageid.New()...)
		}
		if err := s.Publish(t.Context(), event); err != nil {
			return err
		}
	}
}

// TestMetricsOfAlikeSinks has one of two sinks with the same labels be connected.
func TestMetricsOfAlikeSinks(t *testing.T) {
	natstest.CheckLeaks(t)
	up, down := new(natsconn.Conn), new(natsconn.Conn)
	startedBy := func(c *natsconn.Conn) Sink {
		s := new(NATS)
		noteStarted(s, meter.Labels{Sink: "nats", Server: "alike", Subject: "a"}, c)
		t.Cleanup(func() { noteStopped(s) })
		return s
	}
	server := natstest.StartPlain(t, nil)
	live := startNATS(t, server.ClientURL(), nil).lease.value
	up.Session.Store(live.Session.Load())
	registry := register(t)
	connected := func(want float64) {
		t.Helper()
		wantValues(t, gather(t, registry, "server=alike"), map[string]float64{"sink_connected": want})
	}
	for range 3 {
		startedBy(up)
	}
	connected(1)
	last := startedBy(down)
	connected(0)
	noteStopped(last)
	connected(1)
}

// TestMetricsWhileReloading gathers while sinks come and go.
func TestMetricsWhileReloading(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	natstest.NewTestClient(t, server).Create(t, natstest.EventStream())
	dir := t.TempDir()
	registry := register(t)
	end := make(chan struct{})
	var gatherers sync.WaitGroup
	for range 2 {
		gatherers.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				if _, err := registry.Gather(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 5 {
		s := startSpooled(t, server.ClientURL(), spooled(dir), i)
		publishMany(t, s, fmt.Sprint(i), 5)
		if status := s.Status(); status.Spool == nil {
			t.Errorf("there is no spool: %+v", status)
		}
		s.Stop()
	}
	close(end)
	gatherers.Wait()
}
