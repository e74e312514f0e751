// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"bytes"
	"errors"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

const (
	// maxBacklog is how many bytes of messages wait for NATS.
	maxBacklog = 8 << 20
	// messageOverhead is about what a message takes besides its texts.
	messageOverhead = 512
)

// backlog holds the messages of core publishing while the connection is down. It
// belongs to the shared connection, so a reload that changes nothing about NATS
// keeps it. nats.go has such a buffer too, but refuses messages with headers until
// it has reached a server once, and makes publishers wait while it dials.
type backlog struct {
	mu    sync.Mutex
	msgs  []*nats.Msg
	bytes int
}

var errBacklogFull = errors.New("NATS is not connected and the buffer for events is full")

// publishBuffered hands a message to NATS, or keeps a copy of it until there is a
// connection.
func (c *conn) publishBuffered(msg *nats.Msg) error {
	if nc := c.current(); nc != nil {
		err := nc.PublishMsg(msg)
		if !forward.IsDown(err) {
			return err
		}
	}
	if err := c.backlog.keep(msg); err != nil {
		return err
	}
	if nc := c.current(); nc != nil {
		// The connection came up meanwhile, and its flush may have been too early.
		c.backlog.flush(nc)
	}
	return nil
}

// publishOrDrop hands a message to NATS if it is there: rejected requests do not
// take the place of events.
func (c *conn) publishOrDrop(msg *nats.Msg) error {
	nc := c.current()
	if nc == nil {
		return forward.ErrNotConnected
	}
	return nc.PublishMsg(msg)
}

func (b *backlog) keep(msg *nats.Msg) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := sizeOf(msg)
	if b.bytes+size > maxBacklog {
		return errBacklogFull
	}
	b.bytes += size
	b.msgs = append(b.msgs, &nats.Msg{Subject: msg.Subject, Header: msg.Header, Data: bytes.Clone(msg.Data)})
	return nil
}

// flush publishes what is kept, in order.
func (b *backlog) flush(nc *nats.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.msgs) > 0 {
		err := nc.PublishMsg(b.msgs[0])
		if forward.IsDown(err) {
			return
		}
		// Any other error, such as a message that is too large, would come again.
		b.bytes -= sizeOf(b.msgs[0])
		b.msgs[0] = nil
		b.msgs = b.msgs[1:]
	}
	b.msgs, b.bytes = nil, 0
}

func sizeOf(msg *nats.Msg) int {
	size := messageOverhead + len(msg.Subject) + len(msg.Data)
	for name, values := range msg.Header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}

func (b *backlog) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.msgs)
}
