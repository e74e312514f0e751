// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// counts is an observer that remembers what it was told.
type counts struct {
	sent, again, acked, acks, aside, dropped, duplicates atomic.Int64
}

// Sent implements Observer.
func (c *counts) Sent(events int) { c.sent.Add(int64(events)) }

// SentAgain implements Observer.
func (c *counts) SentAgain(events int) { c.again.Add(int64(events)) }

// Acked implements Observer.
func (c *counts) Acked(events int, after time.Duration) {
	if after < 0 {
		panic("an ack came before its event was sent")
	}
	c.acked.Add(int64(events))
	c.acks.Add(1)
}

// SetAside implements Observer.
func (c *counts) SetAside() { c.aside.Add(1) }

// Duplicate implements Observer.
func (c *counts) Duplicate(events int) { c.duplicates.Add(int64(events)) }

// Dropped implements Observer.
func (c *counts) Dropped(cause error) {
	if cause == nil {
		panic("an event was dropped for no reason")
	}
	c.dropped.Add(1)
}

// want fails the test unless each of so many events was sent for the first time
// once, and acknowledged once.
func (c *counts) want(t testing.TB, events int) {
	t.Helper()
	if sent, acked := c.sent.Load(), c.acked.Load(); sent != int64(events) || acked != int64(events) {
		t.Errorf("%d events were counted as sent and %d as acknowledged, want %d", sent, acked, events)
	}
}

// wantSent fails the test unless so many events were counted as sent for the first time,
// and again.
func (c *counts) wantSent(t testing.TB, first, again int64) {
	t.Helper()
	if c.sent.Load() != first || c.again.Load() != again {
		t.Errorf("%d events were counted as sent and %d as sent again, want %d and %d", c.sent.Load(), c.again.Load(), first, again)
	}
}

func TestObserver(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		r.patient()
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.append(events(10)...)
		r.start(t)
		r.awaitAcked(t, 10)
		c := &r.route.counts
		c.want(t, 10)
		acks := int64(10)
		if batched {
			acks = 1
		}
		if c.acks.Load() != acks || c.again.Load()+c.aside.Load()+c.dropped.Load() != 0 {
			t.Errorf("%d acks, want %d; %d events sent again, %d set aside, %d dropped",
				c.acks.Load(), acks, c.again.Load(), c.aside.Load(), c.dropped.Load())
		}
	})
}

// TestObserverAfterRestart has events that were sent, and not acknowledged, come again:
// they are not sent for the first time.
func TestObserverAfterRestart(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		r.patient()
		r.route.batched.Store(batched)
		r.append(events(10)...)
		r.start(t) // There is no stream.
		c := &r.route.counts
		natstest.Eventually(t, "all are sent", func() bool { return c.sent.Load() == 10 })
		r.stop()
		r.restart()
		r.renew()
		createStream(t, r.route.js, nil)
		before := c.again.Load()
		r.start(t)
		r.awaitAcked(t, 10)
		c.want(t, 10)
		c.wantSent(t, 10, before+10)
	})
}

// TestObserverOfAside has events that can never be stored, first with room for them
// and then without.
func TestObserverOfAside(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		const limit = 16 << 10
		s := natstest.Start(t, func(o *server.Options) { o.MaxPayload = limit })
		r := newRig(t, s.ClientURL())
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.start(t)
		r.append(event(1), large(2, limit+1), event(3))
		r.awaitAcked(t, 3)
		c := &r.route.counts
		c.want(t, 2)
		if aside, dropped := c.aside.Load(), c.dropped.Load(); aside != 1 || dropped != 0 {
			t.Errorf("%d events set aside and %d dropped, want 1 and 0", aside, dropped)
		}
		if err := os.Truncate(r.asideFile(), maxAside); err != nil {
			t.Fatal(err)
		}
		r.append(large(4, limit+1))
		r.awaitAcked(t, 4)
		if aside, dropped := c.aside.Load(), c.dropped.Load(); aside != 1 || dropped != 1 {
			t.Errorf("%d events set aside and %d dropped, want 1 and 1", aside, dropped)
		}
	})
}

// TestWaiting asks why events wait, before that is worth a line and after.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	if why := r.forwarder.Waiting(); why != "" {
		t.Errorf("events wait before there are any: %s", why)
	}
	r.start(t)
	r.append(event(1))
	natstest.Eventually(t, "events wait", func() bool { return r.forwarder.Waiting() != "" })
	natstest.Eventually(t, "that is told", func() bool { return r.lines(linesWait) == 1 })
	why := r.forwarder.Waiting()
	if want := "no stream takes the subject"; !strings.Contains(why, want) {
		t.Errorf("events wait because %q, want %q", why, want)
	}
	createStream(t, r.route.js, nil)
	r.awaitAcked(t, 1)
	natstest.Eventually(t, "that it is over is told", func() bool { return len(r.changes.all()) == 2 })
	if now := r.forwarder.Waiting(); now != "" {
		t.Errorf("events still wait: %s", now)
	}
	told := r.changes.all()
	if !told[0].Waits || told[0].Cause != why || told[1].Waits || told[1].After < quiet {
		t.Errorf("told of %+v", told)
	}
}
