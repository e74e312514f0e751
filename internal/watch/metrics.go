// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// RegisterMetrics has a configuration's registry show the collectors, which belong to
// the process: Caddy makes a registry for every configuration, and counters must
// survive a reload. Several handlers of one configuration register the same ones.
func RegisterMetrics(registry *prometheus.Registry, more ...prometheus.Collector) error {
	if registry == nil {
		return nil
	}
	for _, collector := range append(append(sinks.Collectors(), Requests, Requests.decoding, Requests.answering), more...) {
		err := registry.Register(collector)
		if known := (prometheus.AlreadyRegisteredError{}); err != nil && (!errors.As(err, &known) || known.ExistingCollector != collector) {
			return err
		}
	}
	return nil
}

// maxSources bounds the sources that are counted apart: key files may name any
// number. What comes later counts as otherSources, which is no name of a source.
const (
	maxSources   = 1000
	otherSources = "(other)"
)

// Requests counts the requests of all handlers.
var Requests = newRequestMetrics()

// Metrics counts outcomes. The counters are its own and not Prometheus', since
// finding one of those by its labels costs more than all the rest: here, it is a map
// lookup and an addition.
type Metrics struct {
	mu      sync.Mutex
	sources atomic.Pointer[map[string]*sourceCounts] // replaced, never changed

	untrustedProxy atomic.Uint64
	fetches        fetchCounts

	decoding  prometheus.Histogram
	answering prometheus.Histogram
}

func newRequestMetrics() *Metrics {
	m := &Metrics{
		decoding: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "caddy", Subsystem: "segment_pixel", Name: "decode_seconds",
			Help:    "Time from a request to its event or its rejection.",
			Buckets: []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2},
		}),
		answering: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "caddy", Subsystem: "segment_pixel", Name: "answer_seconds",
			Help:    "Time from a request to its answer, which waits for the sinks.",
			Buckets: []float64{5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 5},
		}),
	}
	m.sources.Store(&map[string]*sourceCounts{})
	return m
}

// observe implements observer.
func (m *Metrics) observe(o *Outcome) {
	counts := m.of(o.Source)
	counts.of(o.Result, o.reason(), o.Type).Add(1)
	if o.Event != nil {
		counts.took(o.Event)
		m.fetches.add(o.Event.Fetch)
	}
	if o.UntrustedProxy {
		m.untrustedProxy.Add(1)
	}
	if o.Result != Failed { // It did not get far enough.
		m.decoding.Observe(o.Decoding.Seconds())
	}
	m.answering.Observe(o.Took.Seconds())
}

func (m *Metrics) of(source string) *sourceCounts {
	known := *m.sources.Load()
	if counts := known[source]; counts != nil {
		return counts
	}
	if others := known[otherSources]; others != nil {
		return others
	}
	return m.add(source)
}

func (m *Metrics) add(source string) *sourceCounts {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := *m.sources.Load()
	if len(known) >= maxSources {
		source = otherSources
	}
	if counts := known[source]; counts != nil {
		return counts
	}
	more := make(map[string]*sourceCounts, len(known)+1)
	maps.Copy(more, known)
	counts := newSourceCounts()
	more[source] = counts
	m.sources.Store(&more)
	return counts
}

var (
	requestsDesc = prometheus.NewDesc("caddy_segment_pixel_requests_total",
		"Requests under a prefix of the handler by what became of them.", []string{"outcome", "reason", "type", "source"}, nil)
	repairsDesc = prometheus.NewDesc("caddy_segment_pixel_repairs_total",
		"Events in which something had to be mended.", []string{"repair"}, nil)
	repeatedDesc = prometheus.NewDesc("caddy_segment_pixel_repeated_message_ids_total",
		"Events whose messageId their source had sent shortly before.", []string{"source"}, nil)
	untrustedProxyDesc = prometheus.NewDesc("caddy_segment_pixel_untrusted_proxy_requests_total",
		"Requests with X-Forwarded-For from a peer that trusted_proxies does not name.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- requestsDesc
	descs <- repairsDesc
	descs <- repeatedDesc
	descs <- untrustedProxyDesc
	descs <- fetchesDesc
	descs <- trackingAPIDesc
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	for source, counts := range *m.sources.Load() {
		counts.each(func(v result, reason pixel.Reason, typ pixel.Type, n uint64) {
			text := ""
			if v == Rejected {
				text = reason.String()
			}
			metrics <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(n), v.String(), text, typ.String(), source)
		})
		if source != "" {
			metrics <- prometheus.MustNewConstMetric(repeatedDesc, prometheus.CounterValue, float64(counts.repeats.total.Load()), source)
		}
	}
	for repair, n := range m.Repaired() {
		metrics <- prometheus.MustNewConstMetric(repairsDesc, prometheus.CounterValue, float64(n), repair)
	}
	m.fetches.collect(metrics)
	collectTrackingAPI(metrics)
	metrics <- prometheus.MustNewConstMetric(untrustedProxyDesc, prometheus.CounterValue, float64(m.untrustedProxy.Load()))
}

// OutcomeTotals is how often each outcome was, since the process started.
type OutcomeTotals struct {
	Accepted uint64            `json:"accepted"`
	Dropped  uint64            `json:"dropped"`
	Failed   uint64            `json:"failed"`
	Rejected map[string]uint64 `json:"rejected"`
}

// Totals are the counts of all sources together.
func (m *Metrics) Totals() OutcomeTotals {
	totals := OutcomeTotals{Rejected: make(map[string]uint64)}
	for _, counts := range *m.sources.Load() {
		counts.each(func(v result, reason pixel.Reason, _ pixel.Type, n uint64) {
			switch v {
			case Accepted:
				totals.Accepted += n
			case Rejected:
				totals.Rejected[reason.String()] += n
			case dropped:
				totals.Dropped += n
			default:
				totals.Failed += n
			}
		})
	}
	return totals
}

// ThroughUntrustedProxy is how many requests came through a proxy that
// trusted_proxies does not name.
func (m *Metrics) ThroughUntrustedProxy() uint64 { return m.untrustedProxy.Load() }

// Repaired is how often each repair was.
func (m *Metrics) Repaired() map[string]uint64 {
	sums := make(map[string]uint64, pixel.RepairCount)
	for _, name := range (pixel.Repair(1<<pixel.RepairCount) - 1).Names() {
		sums[name] = 0
	}
	for _, counts := range *m.sources.Load() {
		for i := range counts.repairs {
			sums[pixel.Repair(1<<i).String()] += counts.repairs[i].Load()
		}
	}
	return sums
}

// Interface guards
var (
	_ observer             = (*Metrics)(nil)
	_ prometheus.Collector = (*Metrics)(nil)
)
