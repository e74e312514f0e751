// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// Publish puts an event into the outbox, from where it is published soon, or when
// there is a connection. The meter counts what becomes of it then.
func (c *Conn) Publish(event spool.Event, m *meter.Meter) error {
	// Later nobody could be told.
	if session := c.Session.Load(); session != nil && forward.MessageSize(&event) > session.MaxPayload {
		return nats.ErrMaxPayload
	}
	return c.Outbox.add(event, m)
}

// PublishOrDrop has the message of a rejected request published soon if NATS is there,
// without waiting for it: rejected requests do not take the place of events, and are
// not kept for a NATS that is away. The message is the connection's from now on.
func (c *Conn) PublishOrDrop(msg *nats.Msg) error {
	session := c.Session.Load()
	if session == nil {
		return forward.ErrNotConnected
	}
	// The subject does not count for the server.
	if int64(msg.Size()-len(msg.Subject)) > session.MaxPayload {
		return nats.ErrMaxPayload
	}
	return c.Outbox.addRejected(msg)
}

// empty publishes what is in the outbox, until the connection has ended.
func (c *Conn) empty() {
	for {
		select {
		case <-c.Outbox.wake:
		case <-c.cut.Done():
			return
		}
		// While the connection is down, whoever brings it up does this.
		if nc := c.current(); nc != nil {
			c.flush(nc)
		}
		select {
		case <-time.After(outboxPause):
		case <-c.cut.Done():
			return
		}
	}
}

func (c *Conn) flush(nc *nats.Conn) {
	if refused, err := c.Outbox.flush(nc); refused > 0 {
		c.Log.refused(refused, forward.Explain(err))
	}
}
