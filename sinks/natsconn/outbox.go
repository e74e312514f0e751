// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

const (
	// maxOutbox is how many bytes of events wait for NATS.
	maxOutbox = 8 << 20
	// messageOverhead is about what an event takes besides its texts.
	messageOverhead = 512
	// maxSpare is the largest memory that is kept for another burst.
	maxSpare = 1 << 20

	// outboxPause is how often the outbox is emptied at most. The first event after
	// a pause goes at once.
	outboxPause = 5 * time.Millisecond
)

// outbox holds the events of core publishing until NATS has them. They are handed
// over in bursts, as each by itself would cost a write to the network, and they
// stay while the connection is down. It belongs to the shared connection, so a
// reload that changes nothing about NATS keeps it. nats.go has a buffer for both
// too, but writes it after each message, refuses messages with headers until it has
// reached a server once, and makes publishers wait while it dials.
type outbox struct {
	mu      sync.Mutex
	waiting outboxBurst
	spare   outboxBurst   // empty; its memory is used again
	bytes   int           // of what waits and what is being published
	wake    chan struct{} // tells the sender that something waits

	rejected rejectedBox // what goes the same way, but takes no event's place

	sending sync.Mutex // held while a burst is published, which keeps their order
	message forward.MessageBuffer
}

// outboxBurst is events, and the memory in which their bodies are.
type outboxBurst struct {
	events []outboxEvent
	bodies []byte
}

// outboxEvent is an event, and who counts what becomes of it.
type outboxEvent struct {
	spool.Event
	meter *meter.Meter
}

// add keeps a copy of the event.
func (o *outbox) add(event spool.Event, m *meter.Meter) error {
	size := outboxSize(&event)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes+size > maxOutbox {
		return report.ErrOutboxFull
	}
	o.bytes += size
	begin := len(o.waiting.bodies)
	// Events keep the memory they are in when it has to be moved to grow.
	o.waiting.bodies = append(o.waiting.bodies, event.Body...)
	event.Body = o.waiting.bodies[begin:]
	o.waiting.events = append(o.waiting.events, outboxEvent{event, m})
	if len(o.waiting.events) == 1 {
		o.tell()
	}
	return nil
}

// addRejected keeps the message of a rejected request, which is the outbox's from now
// on.
func (o *outbox) addRejected(msg *nats.Msg) error {
	first, err := o.rejected.add(msg)
	if first {
		o.tell()
	}
	return err
}

// tell has the sender look at what waits.
func (o *outbox) tell() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// flush publishes what waits, and returns how many events NATS refused for another
// reason than a connection that is down, which would come again.
func (o *outbox) flush(nc *nats.Conn) (refused int, cause error) {
	o.sending.Lock()
	defer o.sending.Unlock()
	refused, cause = o.flushEvents(nc)
	o.rejected.flush(nc)
	return refused, cause
}

// flushEvents publishes the events in order. It stops when the connection is down.
func (o *outbox) flushEvents(nc *nats.Conn) (refused int, cause error) {
	b := o.take()
	bytes := 0
	for i := range b.events {
		event := &b.events[i]
		err := nc.PublishMsg(o.message.Of(&event.Event))
		if forward.IsDown(err) {
			o.giveBack(b.events[i:], bytes)
			return refused, cause
		}
		if err != nil {
			refused++
			cause = err
			event.meter.Dropped(err)
		} else {
			event.meter.Sent(1)
		}
		bytes += outboxSize(&event.Event)
	}
	o.recycle(b, bytes)
	return refused, cause
}

// abandon drops what waits when the connection has ended for good, and returns how
// many events that is.
func (o *outbox) abandon() int {
	o.sending.Lock() // so that none is on its way
	defer o.sending.Unlock()
	b := o.take()
	for i := range b.events {
		b.events[i].meter.Drop(report.CauseNotConnected, 1)
	}
	return len(b.events)
}

func (o *outbox) take() outboxBurst {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.waiting
	o.waiting, o.spare = o.spare, outboxBurst{}
	return b
}

// giveBack puts events that could not be published before those that came since.
func (o *outbox) giveBack(events []outboxEvent, published int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= published
	o.waiting.events = append(events, o.waiting.events...)
}

func (o *outbox) recycle(b outboxBurst, published int) {
	clear(b.events)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= published
	if cap(b.bodies) <= maxSpare {
		o.spare = outboxBurst{b.events[:0], b.bodies[:0]}
	}
}

func outboxSize(event *spool.Event) int {
	return messageOverhead + len(event.Subject) + len(event.MessageID) + len(event.TraceParent) + len(event.Body)
}

// busy tells whether events wait or are being published.
func (o *outbox) busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes > 0
}

// Size is how many events wait.
func (o *outbox) Size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting.events)
}
