// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Meter counts what becomes of the events of the sinks with the same labels, for as
// long as the process lives. To count an event costs one atomic addition: what reads
// the counters puts them into the form of metrics.
type Meter struct {
	Labels
	published, acked, retried, duplicate, setAside atomic.Uint64
	dropped                                        map[report.Cause]*atomic.Uint64 // never changes

	// ackSeconds is nil where there are no acks.
	ackSeconds prometheus.Observer
}

// meters are all there are. They stay when a configuration goes, as counters do.
var meters = struct {
	sync.Mutex
	byLabels map[Labels]*Meter
}{byLabels: make(map[Labels]*Meter)}

// Of is not for every event: it locks.
func Of(l Labels) *Meter {
	l = l.valid()
	meters.Lock()
	defer meters.Unlock()
	m := meters.byLabels[l]
	if m == nil {
		m = newMeter(l)
		meters.byLabels[l] = m
	}
	return m
}

func newMeter(l Labels) *Meter {
	m := &Meter{Labels: l, dropped: make(map[report.Cause]*atomic.Uint64)}
	for _, cause := range report.Causes() {
		m.dropped[cause] = new(atomic.Uint64)
	}
	if l.acks() {
		m.ackSeconds = AckSeconds.WithLabelValues(l.Values()...)
	}
	return m
}

// Sent implements forward.Observer.
func (m *Meter) Sent(events int) { m.published.Add(uint64(events)) }

// SentAgain implements forward.Observer.
func (m *Meter) SentAgain(events int) { m.retried.Add(uint64(events)) }

// Acked implements forward.Observer.
func (m *Meter) Acked(events int, after time.Duration) {
	m.acked.Add(uint64(events))
	m.ackSeconds.Observe(after.Seconds())
}

// Duplicate implements forward.Observer.
func (m *Meter) Duplicate(events int) { m.duplicate.Add(uint64(events)) }

// SetAside implements forward.Observer.
func (m *Meter) SetAside() { m.setAside.Add(1) }

// Dropped implements forward.Observer.
func (m *Meter) Dropped(err error) { m.Drop(report.CauseOf(err), 1) }

// Drop counts events that were dropped for a cause.
func (m *Meter) Drop(cause report.Cause, events uint64) { m.dropped[cause].Add(events) }

// Counts are those of now.
func (m *Meter) Counts() *report.Counts {
	dropped := make(map[string]uint64)
	for cause, events := range m.dropped {
		if n := events.Load(); n > 0 {
			dropped[string(cause)] = n
		}
	}
	return &report.Counts{
		Published: m.published.Load(),
		Acked:     m.acked.Load(),
		Retried:   m.retried.Load(),
		Duplicate: m.duplicate.Load(),
		SetAside:  m.setAside.Load(),
		Dropped:   dropped,
	}
}

// Interface guard
var _ forward.Observer = (*Meter)(nil)
