// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// spools shows every spool that is in use.
type spools struct{}

var (
	spoolEventsDesc   = describe("spool_events", "Events in the spool.", "dir")
	spoolBytesDesc    = describe("spool_bytes", "Bytes that the spool's files take.", "dir")
	spoolCapacityDesc = describe("spool_capacity_bytes", "Bytes that the spool's files may take.", "dir")
	spoolOldestDesc   = describe("spool_oldest_seconds", "Age of the oldest event in the spool; 0 if there is none.", "dir")
	spoolOpenDesc     = describe("spool_open", "Whether the spool is open; its disk may not allow it.", "dir")
	spoolFailingDesc  = describe("spool_failing", "Whether the last write to the spool has failed.", "dir")
	spoolFullDesc     = describe("spool_full", "Whether the spool has no room for events.", "dir")
)

// Describe implements prometheus.Collector.
func (spools) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		spoolEventsDesc, spoolBytesDesc, spoolCapacityDesc, spoolOldestDesc,
		spoolOpenDesc, spoolFailingDesc, spoolFullDesc,
	} {
		to <- desc
	}
}

// Collect implements prometheus.Collector. Of a spool that is not open, nothing else is
// known.
func (spools) Collect(to chan<- prometheus.Metric) {
	for _, d := range liveSpools() {
		dir := validText(d.directory)
		running := d.running.Load()
		to <- gauge(spoolOpenDesc, flag(running != nil), dir)
		if running == nil {
			continue
		}
		stats := running.Stats()
		to <- gauge(spoolEventsDesc, float64(stats.Events), dir)
		to <- gauge(spoolBytesDesc, float64(stats.Bytes), dir)
		to <- gauge(spoolCapacityDesc, float64(stats.Capacity), dir)
		to <- gauge(spoolOldestDesc, ageOf(stats.Oldest).Seconds(), dir)
		to <- gauge(spoolFailingDesc, flag(stats.Failing != nil), dir)
		to <- gauge(spoolFullDesc, flag(stats.Full), dir)
	}
}

// ageOf is that of what came at a time, or zero if nothing did. The clock may have been set back.
func ageOf(since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(time.Since(since), 0)
}

// Interface guard
var _ prometheus.Collector = spools{}
