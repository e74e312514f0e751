// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
)

// metered is a sink that has a meter.
type metered interface {
	meter() *meter
}

// Dropped counts an event that was answered and that a sink did not take, for the
// cause that its error stands for. The handler calls it; what a sink drops after it
// has taken an event, it counts itself.
func Dropped(sink Sink, err error) {
	if s, ok := sink.(metered); ok {
		s.meter().Dropped(err)
		return
	}
	meterOf(otherLabels(sink)).Dropped(err)
}

// natsLabels are those of a sink whose options have been resolved.
func natsLabels(sink string, c *Connection, m *Messages) labels {
	return labels{sink, c.name(), m.template.wildcard()}
}

// meterOfNATS returns the meter of a sink that publishes to NATS: the one it has, or that
// of what is known before placeholders for files are replaced.
func meterOfNATS(sink string, counted *atomic.Pointer[meter], c *Connection, m *Messages) *meter {
	if known := counted.Load(); known != nil {
		return known
	}
	resolved, err := c.resolve(caddy.NewReplacer(), false)
	if err != nil {
		resolved = Connection{}
	}
	return meterOf(natsLabels(sink, &resolved, m))
}

// otherLabels are those of a sink of which nothing is known but its module.
func otherLabels(sink Sink) labels {
	if module, ok := sink.(caddy.Module); ok {
		return labels{sink: module.CaddyModule().ID.Name()}
	}
	return labels{sink: fmt.Sprintf("%T", sink)}
}
