// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// metered is a sink that has a meter.
type metered interface {
	meter() *meter.Meter
}

// Dropped counts an event that was answered and that a sink did not take, for the
// cause that its error stands for. The handler calls it; what a sink drops after it
// has taken an event, it counts itself.
func Dropped(sink Sink, err error) {
	if s, ok := sink.(metered); ok {
		s.meter().Dropped(err)
		return
	}
	meter.Of(otherLabels(sink)).Dropped(err)
}

// natsLabels are those of a sink whose options have been resolved.
func natsLabels(sink string, c *natsconn.Connection, m *Messages) meter.Labels {
	return meter.Labels{Sink: sink, Server: c.Name(), Subject: m.template.Wildcard()}
}

// meterOfNATS returns the meter of a sink that publishes to NATS: the one it has, or that
// of what is known before placeholders for files are replaced.
func meterOfNATS(sink string, counted *atomic.Pointer[meter.Meter], c *natsconn.Connection, m *Messages) *meter.Meter {
	if known := counted.Load(); known != nil {
		return known
	}
	resolved, err := c.Resolve(caddy.NewReplacer(), false)
	if err != nil {
		resolved = natsconn.Connection{}
	}
	return meter.Of(natsLabels(sink, &resolved, m))
}

// otherLabels are those of a sink of which nothing is known but its module.
func otherLabels(sink Sink) meter.Labels {
	if module, ok := sink.(caddy.Module); ok {
		return meter.Labels{Sink: module.CaddyModule().ID.Name()}
	}
	return meter.Labels{Sink: fmt.Sprintf("%T", sink)}
}
