// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// meter counts what becomes of the events of the sinks with the same labels, for as
// long as the process lives. To count an event costs one atomic addition: what reads
// the counters puts them into the form of metrics.
type meter struct {
	labels
	published, acked, retried, setAside atomic.Uint64
	dropped                             map[Cause]*atomic.Uint64 // never changes

	// ackSeconds is nil where there are no acks.
	ackSeconds prometheus.Observer
}

// meters are all there are. They stay when a configuration goes, as counters do.
var meters = struct {
	sync.Mutex
	byLabels map[labels]*meter
}{byLabels: make(map[labels]*meter)}

// meterOf is not for every event: it locks.
func meterOf(l labels) *meter {
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

func newMeter(l labels) *meter {
	m := &meter{labels: l, dropped: make(map[Cause]*atomic.Uint64)}
	for _, cause := range Causes() {
		m.dropped[cause] = new(atomic.Uint64)
	}
	if l.acks() {
		m.ackSeconds = ackSeconds.WithLabelValues(l.values()...)
	}
	return m
}

// Sent implements forward.Observer.
func (m *meter) Sent(events int) { m.published.Add(uint64(events)) }

// SentAgain implements forward.Observer.
func (m *meter) SentAgain(events int) { m.retried.Add(uint64(events)) }

// Acked implements forward.Observer.
func (m *meter) Acked(events int, after time.Duration) {
	m.acked.Add(uint64(events))
	m.ackSeconds.Observe(after.Seconds())
}

// SetAside implements forward.Observer.
func (m *meter) SetAside() { m.setAside.Add(1) }

// Dropped implements forward.Observer.
func (m *meter) Dropped(err error) { m.drop(CauseOf(err), 1) }

func (m *meter) drop(cause Cause, events uint64) { m.dropped[cause].Add(events) }

// counts are those of now.
func (m *meter) counts() *Counts {
	dropped := make(map[string]uint64)
	for cause, events := range m.dropped {
		if n := events.Load(); n > 0 {
			dropped[string(cause)] = n
		}
	}
	return &Counts{
		Published: m.published.Load(),
		Acked:     m.acked.Load(),
		Retried:   m.retried.Load(),
		SetAside:  m.setAside.Load(),
		Dropped:   dropped,
	}
}

// Interface guard
var _ forward.Observer = (*meter)(nil)
