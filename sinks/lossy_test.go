// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// TestStoredIsAccepted compares what was accepted with what a stream holds, for streams and
// events of every kind that makes the one smaller than the other: where it is smaller, the
// status or a count says so, and the doctor has a remedy.
func TestStoredIsAccepted(t *testing.T) {
	natstest.CheckLeaks(t)
	const n, sameID = 20, "one message id for all"
	distinct := func(i int) *pixel.Event { return newEvent(fmt.Sprint("e", i)) }
	for _, test := range []struct {
		name   string
		change func(*jetstream.StreamConfig)
		event  func(int) *pixel.Event
		loses  bool
	}{
		{"all well", func(*jetstream.StreamConfig) {}, distinct, false},
		{"the last of a subject", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 }, distinct, true},
		{"the last few", func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 5, jetstream.DiscardOld }, distinct, true},
		{"interest, and nobody has any", func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, distinct, true},
		{"a short age", func(c *jetstream.StreamConfig) { c.MaxAge, c.Duplicates = 100*time.Millisecond, 100*time.Millisecond }, distinct, true},
		{sameID, func(*jetstream.StreamConfig) {}, func(int) *pixel.Event { return newEvent("same") }, true},
		{"memory", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, distinct, false},
	} {
		for _, batched := range []bool{true, false} {
			if batched && test.name == sameID {
				continue // The ack of a batch does not tell: watch.Repeating does, for all sinks.
			}
			t.Run(fmt.Sprintf("%s, batched %v", test.name, batched), func(t *testing.T) {
				server := natstest.StartPlain(t, natstest.WithJetStream)
				client := natstest.NewTestClient(t, server)
				config := natstest.EventStream()
				config.AllowBatchPublish = batched
				test.change(&config)
				client.Create(t, config)
				s := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
				natstest.Eventually(t, "the stream was looked at", func() bool { return s.Status().Stream != nil })
				for i := range n {
					publish(t, s, test.event(i))
				}
				natstest.Eventually(t, "all are acknowledged", func() bool { return s.Status().Spool.Events == 0 })
				stored := func() uint64 {
					stream, err := client.Js.Stream(t.Context(), "EVENTS")
					if err != nil {
						t.Fatal(err)
					}
					return stream.CachedInfo().State.Msgs
				}
				if test.loses {
					natstest.Eventually(t, "the stream has fewer than were accepted", func() bool { return stored() < n })
				} else if held := stored(); held != n {
					t.Fatalf("%d of %d are stored", held, n)
				}
				told := len(s.Status().Problems) > 0 || s.Status().Counts.Duplicate > 0
				for _, check := range examineSink(t, s, pixel.DefaultMaxEventSize).Checks {
					told = told || check.Name == "stream" && (check.Mark != report.OK || check.Remedy != "")
				}
				if test.loses && !told {
					t.Errorf("%d of %d are stored, and nobody says so: %+v", stored(), n, s.Status())
				}
			})
		}
	}
}
