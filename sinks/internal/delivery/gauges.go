// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
)

// Gauges shows every spool that is in use.
type Gauges struct{}

var (
	spoolEventsDesc   = meter.Describe("spool_events", "Events in the spool.", "dir")
	spoolBytesDesc    = meter.Describe("spool_bytes", "Bytes that the spool's files take.", "dir")
	spoolCapacityDesc = meter.Describe("spool_capacity_bytes", "Bytes that the spool's files may take.", "dir")
	spoolOldestDesc   = meter.Describe("spool_oldest_seconds", "Age of the oldest event in the spool; 0 if there is none.", "dir")
	spoolOpenDesc     = meter.Describe("spool_open", "Whether the spool is open; its disk may not allow it.", "dir")
	spoolFailingDesc  = meter.Describe("spool_failing", "Whether the last write to the spool has failed.", "dir")
	spoolFullDesc     = meter.Describe("spool_full", "Whether the spool has no room for events.", "dir")
)

// Describe implements prometheus.Collector.
func (Gauges) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		spoolEventsDesc, spoolBytesDesc, spoolCapacityDesc, spoolOldestDesc,
		spoolOpenDesc, spoolFailingDesc, spoolFullDesc,
	} {
		to <- desc
	}
}

// Collect implements prometheus.Collector. Of a spool that is not open, nothing else is
// known.
func (Gauges) Collect(to chan<- prometheus.Metric) {
	for _, d := range Live() {
		dir := meter.ValidText(d.Directory)
		running := d.Running.Load()
		to <- meter.Gauge(spoolOpenDesc, meter.Flag(running != nil), dir)
		if running == nil {
			continue
		}
		stats := running.Stats()
		to <- meter.Gauge(spoolEventsDesc, float64(stats.Events), dir)
		to <- meter.Gauge(spoolBytesDesc, float64(stats.Bytes), dir)
		to <- meter.Gauge(spoolCapacityDesc, float64(stats.Capacity), dir)
		to <- meter.Gauge(spoolOldestDesc, AgeOf(stats.Oldest).Seconds(), dir)
		to <- meter.Gauge(spoolFailingDesc, meter.Flag(stats.Failing != nil), dir)
		to <- meter.Gauge(spoolFullDesc, meter.Flag(stats.Full), dir)
	}
}

// AgeOf is that of what came at a time, or zero if nothing did. The clock may have been set back.
func AgeOf(since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(time.Since(since), 0)
}

// Interface guard
var _ prometheus.Collector = Gauges{}
