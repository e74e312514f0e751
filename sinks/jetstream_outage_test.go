// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

func TestJetStreamWithoutServer(t *testing.T) {
	checkLeaks(t)
	nats := newRestartable(t)
	s, _ := startJetStream(t, nats.url(), ackTimeout(200*time.Millisecond))
	began := time.Now()
	err := s.Publish(context.Background(), newEvent("1"))
	if took := time.Since(began); took < 200*time.Millisecond || took >= patience/2 {
		t.Errorf("failing took %s", took)
	}
	if !errors.Is(err, forward.ErrNotConnected) {
		t.Errorf("got %v, want %v", err, forward.ErrNotConnected)
	}

	nats.start()
	client := newTestClient(t, nats.Server)
	client.create(t, eventStream())
	eventually(t, patience, s.lease.value.conn.connected)
	publish(t, s, newEvent("2"))
	if n := len(client.stored(t)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// TestJetStreamAwaitsServer has events under way when the server starts for the
// first time and when it comes back.
func TestJetStreamAwaitsServer(t *testing.T) {
	checkLeaks(t)
	nats := newRestartable(t)
	s, _ := startJetStream(t, nats.url(), func(s *JetStream) {
		s.Stream = &Stream{Name: "EVENTS", Create: &StreamCreate{}}
	})
	published := make(chan error, 2)
	begin := func(id string) {
		go func() { published <- s.Publish(context.Background(), newEvent(id)) }()
	}
	begin("1")
	nats.start()
	if err := receive(t, published); err != nil {
		t.Fatal(err)
	}
	nats.stop()
	begin("2")
	begin("3")
	nats.start()
	for range 2 {
		if err := receive(t, published); err != nil {
			t.Error(err)
		}
	}
	if n := len(newTestClient(t, nats.Server).stored(t)); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

// TestJetStreamRestarts stops the server in the midst of many events. What Publish
// has reported as published is there afterwards, once.
func TestJetStreamRestarts(t *testing.T) {
	checkLeaks(t)
	nats := newRestartable(t)
	nats.start()
	newTestClient(t, nats.Server).create(t, eventStream())
	s, _ := startJetStream(t, nats.url(), nil)

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
		eventually(t, patience, func() bool { return count() >= before+300 })
	}
	more()
	for range 2 {
		nats.stop()
		nats.start()
		more()
	}
	close(end)
	publishers.Wait()

	stored := make(map[string]int)
	for _, msg := range newTestClient(t, nats.Server).stored(t) {
		stored[msg.Header.Get("Nats-Msg-Id")]++
	}
	for id := range acked {
		if stored[id] != 1 {
			t.Errorf("event %s was published and is stored %d times", id, stored[id])
		}
	}
}
