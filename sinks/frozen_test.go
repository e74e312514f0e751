// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// moreThanBuffered is more than all buffers on the way to a server that does not read
// can hold, in bytes: a write of so much is stuck until the connection is given up
// after dialTimeout.
const moreThanBuffered = 32 << 20

// wantInTime fails the test if something waited for a write that is stuck.
func wantInTime(t *testing.T, began time.Time) {
	t.Helper()
	if took := time.Since(began); took >= natsconn.DialTimeout-time.Second {
		t.Errorf("took %s", took)
	}
}

// TestRejectDoesNotWait rejects requests while NATS does not read. What has been
// accepted arrives when it does again.
func TestRejectDoesNotWait(t *testing.T) {
	natstest.CheckLeaks(t)
	for name, start := range rejecters {
		t.Run(name, func(t *testing.T) {
			server := natstest.StartPlain(t, nil)
			var received atomic.Int64
			client := natstest.NewTestClient(t, server)
			if _, err := client.Subscribe("segment.rejected.>", func(*nats.Msg) { received.Add(1) }); err != nil {
				t.Fatal(err)
			}
			if err := client.Flush(); err != nil {
				t.Fatal(err)
			}
			p := natstest.ProxyOf(t, server)
			s, c := start(t, "nats://"+p.Address())
			p.Freeze()
			began, accepted := time.Now(), 0
			rejection := &pixel.Rejection{Reason: pixel.BadJSON, Query: strings.Repeat("x", pixel.MaxRejectedQuery)}
			for range moreThanBuffered / pixel.MaxRejectedQuery {
				switch err := s.Reject(context.Background(), rejection); {
				case err == nil:
					accepted++
				case !errors.Is(err, natsconn.ErrTooManyRejected):
					t.Fatalf("got %v, want %v", err, natsconn.ErrTooManyRejected)
				}
			}
			wantInTime(t, began)
			if accepted == moreThanBuffered/pixel.MaxRejectedQuery {
				t.Error("what waits has no bound")
			}
			if err := c.Publish(spool.Event{Subject: "event"}, meter.Of(meter.Labels{Sink: "test"})); err != nil {
				t.Errorf("rejected requests took the place of an event: %v", err)
			}
			p.Thaw()
			natstest.Eventually(t, "the condition holds", func() bool { return received.Load() == int64(accepted) && c.Outbox.Size() == 0 })
		})
	}
}

// rejecters start a sink and wait for its connection.
var rejecters = map[string]func(*testing.T, string) (Rejecter, *natsconn.Conn){
	natsName: func(t *testing.T, url string) (Rejecter, *natsconn.Conn) {
		s := startNATS(t, url, nil)
		natstest.Eventually(t, "the condition holds", s.lease.value.Connected)
		return s, s.lease.value
	},
	meter.JetStream: func(t *testing.T, url string) (Rejecter, *natsconn.Conn) {
		s, _ := startJetStream(t, url, nil)
		natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
		return s, s.lease.value.conn
	},
}

func TestRejectTooLarge(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, func(o *server.Options) { o.MaxPayload = 1000 })
	s := startNATS(t, server.ClientURL(), nil)
	natstest.Eventually(t, "the condition holds", s.lease.value.Connected)
	err := s.Reject(context.Background(), &pixel.Rejection{Reason: pixel.BadJSON, Query: strings.Repeat("x", 1000)})
	if !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("got %v, want %v", err, nats.ErrMaxPayload)
	}
}

// TestRejectedAreSentBeforeTheEnd rejects just before the connection ends.
func TestRejectedAreSentBeforeTheEnd(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	received := natstest.NewTestClient(t, server).Receive(t, "segment.rejected.>")
	s := newNATS(t, server.ClientURL(), nil)
	startSink(t, s)
	natstest.Eventually(t, "the condition holds", s.lease.value.Connected)
	const n = 50
	for i := range n {
		if err := s.Reject(context.Background(), &pixel.Rejection{Reason: pixel.NoData, Query: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	stopAndWait(t, s, s.lease.value)
	for i := range n {
		if msg := natstest.Receive(t, received); string(msg.Data) != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", msg.Data, i)
		}
	}
}

// TestDirectPublishEndsInTime publishes events that the spool does not take while NATS
// does not read, and so nor does nats.go return.
func TestDirectPublishEndsInTime(t *testing.T) {
	natstest.CheckLeaks(t)
	delivery.OpenSpool = func(spool.Options) (*spool.Spool, error) { return nil, fmt.Errorf("opening: %w", syscall.ENOSPC) }
	t.Cleanup(func() { delivery.OpenSpool = spool.Open })
	server := natstest.StartPlain(t, natstest.WithJetStream)
	p := natstest.ProxyOf(t, server)
	s := startSpooled(t, "nats://"+p.Address(), spooled(t.TempDir(), ackTimeout(200*time.Millisecond)), nil)
	natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
	p.Freeze()
	body := make([]byte, moreThanBuffered/maxDirect)
	publishMany := func() (tooMany int64) {
		var all sync.WaitGroup
		var refused atomic.Int64
		for i := range maxDirect {
			all.Go(func() {
				err := s.Publish(context.Background(), &pixel.Event{Source: "web", Type: pixel.Page, MessageID: fmt.Sprint(i), Body: body})
				if err == nil {
					t.Error("stored while NATS does not read")
				}
				if errors.Is(err, report.ErrTooManyDirect) {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		return refused.Load()
	}
	began := time.Now()
	publishMany()
	if publishMany() == 0 {
		t.Error("events that are stuck in nats.go do not count")
	}
	wantInTime(t, began)
	p.Thaw()
	natstest.Eventually(t, "the condition holds", func() bool { return s.direct.Load() == 0 })
}
