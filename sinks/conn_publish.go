// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// publish puts an event into the outbox, from where it is published soon, or when
// there is a connection. The meter counts what becomes of it then.
func (c *conn) publish(event spool.Event, m *meter) error {
	// Later nobody could be told.
	if session := c.session.Load(); session != nil && forward.MessageSize(&event) > session.MaxPayload {
		return nats.ErrMaxPayload
	}
	return c.outbox.add(event, m)
}

// publishOrDrop has the message of a rejected request published soon if NATS is there,
// without waiting for it: rejected requests do not take the place of events, and are
// not kept for a NATS that is away. The message is the connection's from now on.
func (c *conn) publishOrDrop(msg *nats.Msg) error {
	session := c.session.Load()
	if session == nil {
		return forward.ErrNotConnected
	}
	// The subject does not count for the server.
	if int64(msg.Size()-len(msg.Subject)) > session.MaxPayload {
		return nats.ErrMaxPayload
	}
	return c.outbox.addRejected(msg)
}

// empty publishes what is in the outbox, until the connection has ended.
func (c *conn) empty() {
	for {
		select {
		case <-c.outbox.wake:
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

func (c *conn) flush(nc *nats.Conn) {
	if refused, err := c.outbox.flush(nc); refused > 0 {
		c.log.refused(refused, forward.Explain(err))
	}
}
