// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	metricsNamespace = "caddy"
	metricsSubsystem = "segment_pixel"
)

// AckSeconds is observed for each batch, or for each event that is sent singly.
var AckSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Namespace: metricsNamespace,
	Subsystem: metricsSubsystem,
	Name:      "sink_ack_seconds",
	Help:      "Time from sending events to a stream to its ack, for a batch or a single event.",
	Buckets:   prometheus.ExponentialBuckets(0.0005, 2, 15), // up to 8 s
}, labelNames)

// Describe names a metric of sinks or spools.
func Describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, metricsSubsystem, name), help, labels, nil)
}

// DescribeSink names a metric that has the labels of a sink.
func DescribeSink(name, help string, more ...string) *prometheus.Desc {
	return Describe("sink_"+name, help, slices.Concat(labelNames, more)...)
}

// Gauge is the value of a gauge now.
func Gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

// Flag is 1 for what is so.
func Flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
