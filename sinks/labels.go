// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"strings"
)

// labels tell sinks apart in metrics. Those that are alike in them count together.
type labels struct{ sink, server, subject string }

// jetStreamName is the name of the one sink whose events are acknowledged.
const jetStreamName = "jetstream"

// labelNames are the names of labels, in the order of values.
var labelNames = []string{"sink", "server", "subject"}

func (l labels) values() []string { return []string{l.sink, l.server, l.subject} }

// valid replaces what Prometheus refuses in a label.
func (l labels) valid() labels {
	return labels{validText(l.sink), validText(l.server), validText(l.subject)}
}

// acks tells whether what the sink publishes to acknowledges events.
func (l labels) acks() bool { return l.sink == jetStreamName }

func validText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
