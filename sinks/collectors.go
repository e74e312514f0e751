// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
)

// Collectors returns the metrics of all sinks, to be registered in the registry of
// every configuration: they live as long as the process, so that a reload resets
// nothing, and they are always the same.
func Collectors() []prometheus.Collector {
	return slices.Clone(collectors)
}

var collectors = []prometheus.Collector{meter.Counters{}, meter.AckSeconds, connections{}, delivery.Gauges{}}
