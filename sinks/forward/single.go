// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

const (
	// FirstRetry is the pause after the first failure. Later ones are longer.
	FirstRetry = 25 * time.Millisecond
	lastRetry  = 5 * time.Second

	// FirstAckWait is how long the first try waits for acks. It is not long, as one
	// may be lost, with the stream's leader for one.
	FirstAckWait = time.Second
	// LastAckWait bounds the longer waits of later tries, for a NATS that is slow.
	LastAckWait = 4 * time.Second

	// suspectAfter is how long events find no stream before it is asked whether
	// there is one for their subjects at all.
	suspectAfter = 500 * time.Millisecond
)

// window is the events that are published singly, each with an ack of its own.
type window struct {
	entries []spool.Entry
	settled []bool // stored or set aside
	left    int
	head    int // every entry before it is settled
	sent    int // every entry before it has been sent, or may have been, unless it cannot be

	// uncovered are subjects that seemed to have no stream when last asked for.
	uncovered map[string]struct{}
}

func newWindow(entries []spool.Entry, sent int) *window {
	return &window{
		entries:   entries,
		settled:   make([]bool, len(entries)),
		left:      len(entries),
		sent:      sent,
		uncovered: make(map[string]struct{}),
	}
}

func (w *window) settle(i int) {
	w.settled[i] = true
	w.left--
}

// publishSingly publishes until every event is stored or set aside, or the
// context ends. It is told how many, from the first, have been sent before, or may
// have been.
func (f *Forwarder) publishSingly(ctx context.Context, entries []spool.Entry, sent int) {
	w := newWindow(entries, sent)
	ackWait, pause := FirstAckWait, FirstRetry
	var suspect time.Time // since when events find no stream
	for {
		route, session := f.awaitSession(ctx)
		if session == nil {
			return
		}
		began, before := time.Now(), w.left
		failures := f.round(ctx, route, session, w, ackWait)
		f.acknowledgeSettled(w)
		if w.left == 0 {
			f.health.works()
			return
		}
		if ctx.Err() != nil {
			return
		}
		if w.left < before {
			pause, ackWait = FirstRetry, FirstAckWait
		}
		f.health.fails(failures.cause())
		if len(failures.suspects) == 0 {
			suspect = time.Time{}
		} else {
			if suspect.IsZero() {
				suspect = began
			}
			route.Look()
			if waited := time.Since(suspect); waited >= suspectAfter && f.setAsideUncovered(ctx, route, session, w, failures, waited) {
				continue
			}
		}
		if errors.Is(failures.other, ErrNoAck) {
			ackWait = min(2*ackWait, LastAckWait)
		}
		f.pause(ctx, pause)
		pause = min(2*pause, lastRetry)
	}
}

// failures is why events of a round were not stored.
type failures struct {
	noStream error
	suspects map[string]struct{} // subjects for which there may be no stream
	other    error
}

func (f *failures) note(subject string, err error) {
	switch {
	case IsNoStream(err):
		f.noStream = err
	case errors.Is(err, ErrNoAck):
		// A subscriber that only listens keeps the server from saying that there
		// is no stream.
		f.other = err
	default:
		f.other = err
		return
	}
	if f.suspects == nil {
		f.suspects = make(map[string]struct{})
	}
	f.suspects[subject] = struct{}{}
}

func (f *failures) cause() error {
	if f.noStream != nil {
		return f.noStream
	}
	return f.other
}

// round publishes what is left of the window once and waits for the acks.
func (f *Forwarder) round(ctx context.Context, route Route, session *Session, w *window, ackWait time.Duration) failures {
	var failed failures
	acks := make([]jetstream.PubAckFuture, len(w.entries))
	began, before := time.Now(), w.sent
	first, again := 0, 0
	for i := range w.entries {
		if w.settled[i] {
			continue
		}
		// nats.go's own retries would outlive this round.
		ack, err := session.JetStream.PublishMsgAsync(Message(&w.entries[i].Event), jetstream.WithRetryAttempts(0))
		if err != nil {
			f.unstored(route, session, w, i, err, &failed)
			if CanNeverBeStored(err) {
				continue
			}
			// The connection is down, or nats.go waits for too many acks: the next
			// event would meet the same, after another wait.
			break
		}
		acks[i] = ack
		if i < before {
			again++
		} else {
			w.sent, first = i+1, first+1
		}
	}
	observer := route.Observer()
	observer.Sent(first)
	observer.SentAgain(again)
	timer := time.NewTimer(ackWait)
	defer timer.Stop()
	expired := timer.C
	for i, ack := range acks {
		if ack == nil {
			continue
		}
		err := awaitAck(ctx, session, ack, &expired)
		if err == nil {
			w.settle(i)
			observer.Acked(1, time.Since(began))
			continue
		}
		f.unstored(route, session, w, i, err, &failed)
	}
	return failed
}

// closedTimer is a timer that has expired for all who still ask.
var closedTimer = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// awaitAck waits for one ack. An ack that is there counts, even when the time is
// over.
func awaitAck(ctx context.Context, session *Session, ack jetstream.PubAckFuture, expired *<-chan time.Time) error {
	var end error
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return err
	case <-*expired:
		*expired = closedTimer
		end = ErrNoAck
	case <-session.Lost:
		end = ErrNotConnected
	case <-ctx.Done():
		end = ctx.Err()
	}
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return err
	default:
		return end
	}
}

// unstored notes that an event was not stored, or sets it aside if it never can be.
func (f *Forwarder) unstored(route Route, session *Session, w *window, i int, err error, failed *failures) {
	if CanNeverBeStored(err) {
		asideErr := f.setAside(route, session, &w.entries[i], err)
		if asideErr == nil {
			w.settle(i)
			return
		}
		err = asideErr
	}
	failed.note(w.entries[i].Subject, err)
}

// acknowledgeSettled tells the spool of what is settled without a hole before it.
func (f *Forwarder) acknowledgeSettled(w *window) {
	head := w.head
	for w.head < len(w.settled) && w.settled[w.head] {
		w.head++
	}
	f.acknowledge(w.entries[head:w.head])
}
