// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
)

// labels tell sinks apart in metrics. Those that are alike in them count together.
type labels struct{ sink, server, subject string }

// labelNames are the names of labels, in the order of values.
var labelNames = []string{"sink", "server", "subject"}

func (l labels) values() []string { return []string{l.sink, l.server, l.subject} }

// valid replaces what Prometheus refuses in a label.
func (l labels) valid() labels {
	return labels{validText(l.sink), validText(l.server), validText(l.subject)}
}

func validText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

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
