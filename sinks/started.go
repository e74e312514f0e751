// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// started holds the connections of the sinks that run, for metrics.
var started = struct {
	sync.Mutex
	sinks map[Sink]startedSink
}{sinks: make(map[Sink]startedSink)}

type startedSink struct {
	labels meter.Labels
	conn   *natsconn.Conn
}

// noteStarted is to be followed by noteStopped, which may be called more often.
func noteStarted(s Sink, l meter.Labels, c *natsconn.Conn) {
	started.Lock()
	defer started.Unlock()
	started.sinks[s] = startedSink{l, c}
}

func noteStopped(s Sink) {
	started.Lock()
	defer started.Unlock()
	delete(started.sinks, s)
}

// connectedSinks tells for all labels whether every sink that has them is connected.
func connectedSinks() map[meter.Labels]bool {
	started.Lock()
	defer started.Unlock()
	up := make(map[meter.Labels]bool)
	for _, s := range started.sinks {
		before, others := up[s.labels]
		up[s.labels] = s.conn.Connected() && (before || !others)
	}
	return up
}

// connections shows which of the sinks that run are connected to NATS.
type connections struct{}

var connectedDesc = meter.DescribeSink("connected", "Whether the sink is connected to NATS; of sinks with the same labels, whether all are.")

// Describe implements prometheus.Collector.
func (connections) Describe(to chan<- *prometheus.Desc) { to <- connectedDesc }

// Collect implements prometheus.Collector.
func (connections) Collect(to chan<- prometheus.Metric) {
	for l, up := range connectedSinks() {
		to <- meter.Gauge(connectedDesc, meter.Flag(up), l.Values()...)
	}
}

// Interface guard
var _ prometheus.Collector = connections{}
