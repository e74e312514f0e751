// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// way is how the sink publishes to a stream, which the stream decides.
type way string

const (
	fast  way = "fast"  // batched
	async way = "async" // one by one, with pending acks
)

func ways() []way {
	switch *publishFlag {
	case string(fast):
		return []way{fast}
	case string(async):
		return []way{async}
	}
	return []way{fast, async}
}

func (w way) streamName() string {
	return "SEGMENT_" + strings.ToUpper(string(w))
}

// subject is the template of the sink.
func (w way) subject() string {
	return "segment." + string(w) + ".{source}.{type}"
}

func (w way) stream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              w.streamName(),
		Subjects:          []string{"segment." + string(w) + ".>"},
		Replicas:          replicas,
		MaxBytes:          -1,
		MaxMsgs:           -1,
		Discard:           jetstream.DiscardNew,
		Duplicates:        choose(5*time.Minute, 30*time.Minute),
		AllowBatchPublish: w == fast,
	}
}
