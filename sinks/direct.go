// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// lastRetry is shorter than that of the forwarder: a request waits.
const lastRetry = 500 * time.Millisecond

// publishInstead publishes an event that the spool cannot take. It does not wait for
// a NATS that is away: while the spool is full, every request would.
func (s *JetStream) publishInstead(ctx context.Context, c *natsconn.Conn, event *spool.Event) error {
	session := c.Session.Load()
	if session == nil {
		return forward.ErrNotConnected
	}
	defer s.direct.Add(-1)
	if s.direct.Add(1) > maxDirect {
		return report.ErrTooManyDirect
	}
	return s.publishDirectly(ctx, c, event, session.Lost)
}

// maxDirect bounds the events, and thereby the memory, that wait for their ack while
// the spool does not take them, or are still stuck in nats.go after that.
const maxDirect = 1024

// publishDirectly tries to get the stream's ack until ack_timeout is over, or until
// the channel, if there is one, is closed. The message id makes a second copy
// harmless when it was only the ack that got lost.
func (s *JetStream) publishDirectly(ctx context.Context, c *natsconn.Conn, event *spool.Event, end <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.AckTimeout))
	defer cancel()
	// A publish that timed out here is still known to nats.go, and the event's
	// memory serves another one by then.
	kept := *event
	kept.Body = bytes.Clone(event.Body)

	p := &directPublish{conn: c, event: &kept, stream: s.streamName(), observer: s.meter(), places: &s.direct}
	ackWait := forward.FirstAckWait
	var cause error
	for wait := forward.FirstRetry; ; wait = min(2*wait, lastRetry) {
		err := p.try(ctx, ackWait)
		if ctx.Err() != nil && cause != nil && errors.Is(err, forward.ErrNoAck) {
			err = cause // The time was over before this try could say anything.
		}
		cause = err
		if err == nil || forward.NeedsOperator(err) {
			return forward.Explain(err)
		}
		if errors.Is(err, forward.ErrNoAck) {
			ackWait = min(2*ackWait, forward.LastAckWait)
		}
		if keeper := s.keeper.Load(); keeper != nil && forward.IsNoStream(err) {
			keeper.Look()
		}
		select {
		case <-ctx.Done():
			return forward.Explain(err)
		case <-end:
			return forward.Explain(err)
		case <-time.After(wait):
		}
	}
}

// directPublish is one event on its way.
type directPublish struct {
	conn     *natsconn.Conn
	event    *spool.Event
	stream   string // that has to take it, if one is named
	observer forward.Observer
	places   *atomic.Int32 // how many are taken
	sent     atomic.Bool   // before
}

// try publishes asynchronously, so that requests share the round trips, and waits for
// the ack of this one message.
func (p *directPublish) try(ctx context.Context, ackWait time.Duration) error {
	session := p.conn.Session.Load()
	if session == nil {
		return forward.ErrNotConnected
	}
	ack, err := p.send(ctx, session)
	if err != nil {
		return err
	}
	began := time.Now()
	timer := time.NewTimer(ackWait)
	defer timer.Stop()
	select {
	case stored := <-ack.Ok():
		p.observer.Acked(1, time.Since(began))
		if stored.Duplicate {
			p.observer.Duplicate(1)
		}
		return nil
	case err := <-ack.Err():
		return err
	case <-session.Lost:
		return forward.ErrNotConnected
	case <-timer.C:
		return forward.ErrNoAck
	case <-ctx.Done():
		return forward.ErrNoAck
	}
}

// sending is the result of handing a message to nats.go.
type sending struct {
	ack jetstream.PubAckFuture
	err error
}

// send hands the message to nats.go, in a goroutine: a write that is stuck holds it up
// for seconds, whatever the context says.
func (p *directPublish) send(ctx context.Context, session *forward.Session) (jetstream.PubAckFuture, error) {
	done := make(chan sending, 1)
	go func() {
		// nats.go's own retries would outlive this call.
		ack, err := session.JetStream.PublishMsgAsync(forward.Expect(forward.Message(p.event), p.stream), jetstream.WithRetryAttempts(0))
		if err == nil {
			p.count()
		}
		done <- sending{ack, err}
	}()
	select {
	case s := <-done:
		return s.ack, s.err
	case <-session.Lost:
		p.keepPlace(done)
		return nil, forward.ErrNotConnected
	case <-ctx.Done():
		p.keepPlace(done)
		return nil, forward.ErrNoAck
	}
}

// keepPlace takes a place for as long as a message is stuck that nobody waits for any
// more: it holds the event's memory.
func (p *directPublish) keepPlace(done <-chan sending) {
	p.places.Add(1)
	go func() {
		<-done
		p.places.Add(-1)
	}()
}

func (p *directPublish) count() {
	if p.sent.Swap(true) {
		p.observer.SentAgain(1)
	} else {
		p.observer.Sent(1)
	}
}
