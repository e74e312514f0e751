// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
	"sync"
	"testing"

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
	well, _ := newJetStream(t, server.ClientURL(), nil)
	startSink(t, stuck)
	startSink(t, well)
	c := well.lease.value.conn
	defer func() { natstest.Receive(t, c.Done) }()
	defer well.Stop()
	defer stuck.Stop()
	if stuck.lease.value.conn != c {
		t.Fatal("the sinks do not share their connection")
	}
	natstest.Eventually(t, "the connection is there", c.Connected)

	const (
		many  = 5000
		usual = 4000 // that nats.go lets wait unless told otherwise
	)
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	for i := range many {
		waiting.Go(func() { _ = stuck.Publish(ctx, newEvent(fmt.Sprint("stuck ", i))) })
	}
	defer waiting.Wait()
	defer cancel()
	natstest.Eventually(t, "more acks are owed than would be by default", func() bool { return c.Jetstream().PublishAsyncPending() > usual })
	publish(t, well, newEvent("1"))
}
