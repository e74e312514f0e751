// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// BenchmarkForward delivers events of 700 bytes to a stream in memory, in a server
// of the same process, whose work counts as well.
func BenchmarkForward(b *testing.B) {
	for name, batched := range map[string]bool{"batched": true, "singly": false} {
		b.Run(name, func(b *testing.B) {
			s := natstest.Start(b, nil)
			r := newRig(b, s.ClientURL())
			createStream(b, r.route.js, func(c *jetstream.StreamConfig) {
				c.Storage, c.MaxMsgs, c.Discard = jetstream.MemoryStorage, 10_000, jetstream.DiscardOld
			})
			r.route.batched.Store(batched)
			list := make([]spool.Event, b.N)
			for i := range list {
				list[i] = event(i)
				list[i].Body = bytes.Repeat([]byte("x"), 700)
			}
			r.append(list...)
			b.ReportAllocs()
			b.ResetTimer()
			r.start(b)
			r.awaitAcked(b, b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
