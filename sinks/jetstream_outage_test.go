// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

func TestJetStreamWithoutServer(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	s, _ := startJetStream(t, nats.URL(), ackTimeout(200*time.Millisecond))
	began := time.Now()
	err := s.Publish(context.Background(), newEvent("1"))
	if took := time.Since(began); took < 200*time.Millisecond || took >= natstest.Patience/2 {
		t.Errorf("failing took %s", took)
	}
	if !errors.Is(err, forward.ErrNotConnected) {
		t.Errorf("got %v, want %v", err, forward.ErrNotConnected)
	}

	nats.Start()
	client := natstest.NewTestClient(t, nats.Server)
	client.Create(t, natstest.EventStream())
	natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
	ackTimeout(natstest.Patience)(s)
	publish(t, s, newEvent("2"))
	if n := len(client.Stored(t)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// TestJetStreamAwaitsServer has events under way when the server starts for the
// first time and when it comes back.
func TestJetStreamAwaitsServer(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	s, _ := startJetStream(t, nats.URL(), func(s *JetStream) {
		s.Stream = &stream.Stream{Name: "EVENTS", Create: &stream.Create{}}
	})
	published := make(chan error, 2)
	begin := func(id string) {
		go func() { published <- s.Publish(context.Background(), newEvent(id)) }()
	}
	begin("1")
	nats.Start()
	if err := natstest.Receive(t, published); err != nil {
		t.Fatal(err)
	}
	nats.Stop()
	begin("2")
	begin("3")
	nats.Start()
	for range 2 {
		if err := natstest.Receive(t, published); err != nil {
			t.Error(err)
		}
	}
	if n := len(natstest.NewTestClient(t, nats.Server).Stored(t)); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

// TestJetStreamRestarts stops the server in the midst of many events. What Publish
// has reported as published is there afterwards, once.
func TestJetStreamRestarts(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	nats.Start()
	natstest.NewTestClient(t, nats.Server).Create(t, natstest.EventStream())
	s, _ := startJetStream(t, nats.URL(), nil)

	var mu sync.Mutex
	acked := make(map[string]bool)
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	end := make(chan struct{})
	var publishers sync.WaitGroup
	for p := range 8 {
		publishers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", p, n)
				if s.Publish(context.Background(), newEvent(id)) == nil {
					mu.Lock()
					acked["web:"+id] = true
					mu.Unlock()
				}
			}
		})
	}
	more := func() {
		t.Helper()
		before := count()
		natstest.Eventually(t, "the condition holds", func() bool { return count() >= before+300 })
	}
	more()
	for range 2 {
		nats.Stop()
		nats.Start()
		more()
	}
	close(end)
	publishers.Wait()

	stored := make(map[string]int)
	for _, msg := range natstest.NewTestClient(t, nats.Server).Stored(t) {
		stored[msg.Header.Get("Nats-Msg-Id")]++
	}
	for id := range acked {
		if stored[id] != 1 {
			t.Errorf("event %s was published and is stored %d times", id, stored[id])
		}
	}
}
