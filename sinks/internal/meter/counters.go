// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// Counters shows the meters.
type Counters struct{}

var (
	publishedDesc = DescribeSink("published_total", "Events that the sink has passed on for the first time: "+
		"sent to NATS, or written. Those that may have been sent before the spool was opened count as retried.")
	ackedDesc   = DescribeSink("acked_total", "Events that a stream has acknowledged.")
	retriedDesc = DescribeSink("retried_total", "How often events were sent to a stream that had been sent before, "+
		"or may have been before the spool was opened.")
	duplicateDesc = DescribeSink("duplicates_total", "Events that a stream has acknowledged as known already, where its ack tells: "+
		"sent again, or with the message id of another event.")
	setAsideDesc = DescribeSink("set_aside_total", "Events that no stream can store, put into "+forward.AsideFile+" in the spool.")
	// DroppedDesc is known to a test, which wants each cause in its help.
	DroppedDesc = DescribeSink("dropped_total", "Events that were answered and that the sink has lost, by cause.", "cause")
)

// Describe implements prometheus.Collector.
func (Counters) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{publishedDesc, ackedDesc, retriedDesc, duplicateDesc, setAsideDesc, DroppedDesc} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (Counters) Collect(to chan<- prometheus.Metric) {
	meters.Lock()
	all := slices.Collect(maps.Values(meters.byLabels))
	meters.Unlock()
	for _, m := range all {
		show := func(desc *prometheus.Desc, events *atomic.Uint64, more ...string) {
			values := append(m.Values(), more...)
			to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(events.Load()), values...)
		}
		show(publishedDesc, &m.published)
		if m.ackSeconds != nil {
			show(ackedDesc, &m.acked)
			show(retriedDesc, &m.retried)
			show(duplicateDesc, &m.duplicate)
			show(setAsideDesc, &m.setAside)
		}
		for cause, events := range m.dropped {
			show(DroppedDesc, events, string(cause))
		}
	}
}

// Interface guard
var _ prometheus.Collector = Counters{}
