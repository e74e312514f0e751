// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// counters shows the meters.
type counters struct{}

var (
	publishedDesc = describeSink("published_total", "Events that the sink has passed on for the first time: "+
		"sent to NATS, or written. Those that may have been sent before the spool was opened count as retried.")
	ackedDesc   = describeSink("acked_total", "Events that a stream has acknowledged.")
	retriedDesc = describeSink("retried_total", "How often events were sent to a stream that had been sent before, "+
		"or may have been before the spool was opened.")
	setAsideDesc = describeSink("set_aside_total", "Events that no stream can store, put into "+forward.AsideFile+" in the spool.")
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
