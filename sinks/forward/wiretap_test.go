// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// wiretap sees how events are published.
type wiretap struct {
	batched, single atomic.Int64
}

func tap(t testing.TB, server string) *wiretap {
	t.Helper()
	nc, err := nats.Connect(server, nats.Timeout(natstest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	w := new(wiretap)
	if _, err := nc.Subscribe("events.>", func(msg *nats.Msg) {
		if strings.HasSuffix(msg.Reply, ".$FI") {
			w.batched.Add(1)
		} else {
			w.single.Add(1)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return w
}

// want waits until so many messages have been seen, and fails the test if there are
// others.
func (w *wiretap) want(t testing.TB, batched, single int64) {
	t.Helper()
	natstest.Eventually(t, "all messages are seen", func() bool {
		return w.batched.Load()+w.single.Load() >= batched+single
	})
	if b, s := w.batched.Load(), w.single.Load(); b != batched || s != single {
		t.Errorf("%d messages were published in batches and %d singly, want %d and %d", b, s, batched, single)
	}
}
