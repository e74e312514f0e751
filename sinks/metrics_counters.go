// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counters shows the meters.
type counters struct{}

var (
	publishedDesc = describeSink("published_total", "Events that the sink has passed on for the first time: "+
		"sent to NATS, or written.")
	ackedDesc    = describeSink("acked_total", "Events that a stream has acknowledged.")
	retriedDesc  = describeSink("retried_total", "Events that were sent to a stream again.")
	setAsideDesc = describeSink("set_aside_total", "Events that no stream can store, put into undeliverable.ndjson in the spool.")
	droppedDesc  = describeSink("dropped_total", "Events that were answered and that the sink has lost, by cause.", "cause")
)

// Describe implements prometheus.Collector.
func (counters) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{publishedDesc, ackedDesc, retriedDesc, setAsideDesc, droppedDesc} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (counters) Collect(to chan<- prometheus.Metric) {
	meters.Lock()
	all := slices.Collect(maps.Values(meters.byLabels))
	meters.Unlock()
	for _, m := range all {
		show := func(desc *prometheus.Desc, events *atomic.Uint64, more ...string) {
			values := append(m.values(), more...)
			to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(events.Load()), values...)
		}
		show(publishedDesc, &m.published)
		if m.ackSeconds != nil {
			show(ackedDesc, &m.acked)
			show(retriedDesc, &m.retried)
			show(setAsideDesc, &m.setAside)
		}
		for cause, events := range m.dropped {
			show(droppedDesc, events, string(cause))
		}
	}
}

// Interface guard
var _ prometheus.Collector = counters{}
