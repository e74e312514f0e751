// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// TestStuckStreamStarvesNobody has a sink wait for thousands of acks that never come,
// while another one shares its connection.
func TestStuckStreamStarvesNobody(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	// As somebody takes the events, NATS does not say that no stream does.
	if _, err := client.SubscribeSync("silent.>"); err != nil {
		t.Fatal(err)
	}
	if err := client.Flush(); err != nil {
		t.Fatal(err)
	}
	stuck, _ := newJetStream(t, server.ClientURL(), func(s *JetStream) { s.Subject = "silent.{type}" })
	well, _ := newJetStream(t, server.ClientURL(), ackTimeout(3*time.Second))
	startSink(t, stuck)
	startSink(t, well)
	c := well.lease.value.conn
	defer func() { natstest.Receive(t, c.Done) }()
	defer well.Stop()
	defer stuck.Stop()
	if stuck.lease.value.conn != c {
		t.Fatal("the sinks do not share their connection")
	}
	natstest.Eventually(t, "the condition holds", c.Connected)

	const many = 5000
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	for i := range many {
		waiting.Go(func() { _ = stuck.Publish(ctx, newEvent(fmt.Sprint("stuck ", i))) })
	}
	defer waiting.Wait()
	defer cancel()
	natstest.Eventually(t, "the condition holds", func() bool { return c.Jetstream().PublishAsyncPending() > many*4/5 })
	publish(t, well, newEvent("1"))
}
