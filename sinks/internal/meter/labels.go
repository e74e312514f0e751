// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"strings"
)

// Labels tell sinks apart in metrics. Those that are alike in them count together.
type Labels struct{ Sink, Server, Subject string }

// JetStream is the name of the one sink whose events are acknowledged.
const JetStream = "jetstream"

// labelNames are the names of labels, in the order of values.
var labelNames = []string{"sink", "server", "subject"}

// Values are in the order of the labels' names.
func (l Labels) Values() []string { return []string{l.Sink, l.Server, l.Subject} }

// valid replaces what Prometheus refuses in a label.
func (l Labels) valid() Labels {
	return Labels{ValidText(l.Sink), ValidText(l.Server), ValidText(l.Subject)}
}

// acks tells whether what the sink publishes to acknowledges events.
func (l Labels) acks() bool { return l.Sink == JetStream }

// ValidText replaces what Prometheus refuses in a label.
func ValidText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
