// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
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

// publishSingly publishes what is left of the window, until every event is stored or
// set aside, or the context ends.
func (f *Forwarder) publishSingly(ctx context.Context, w *window) {
	ackWait, pause := f.ackWait, FirstRetry
	var suspect time.Time // since when events find no stream
	for {
		route, session := f.awaitSession(ctx)
		if session == nil {
			return
		}
		began, before := time.Now(), w.left
		failures := f.round(ctx, route, session, w, ackWait)
		f.setAsideDenied(route, session, w, &failures)
		f.acknowledgeSettled(w)
		f.aside.report(f.logger(), false)
		if w.left == 0 {
			f.health.works()
			return
		}
		if ctx.Err() != nil {
			return
		}
		cause := failures.cause()
		if cause == nil {
			continue // What is left was held for an event that is settled now.
		}
		f.health.fails(cause)
		denials := failures.areDenials()
		if w.left < before && !denials {
			pause, ackWait = FirstRetry, f.ackWait
		}
		if len(failures.suspects) == 0 {
			suspect = time.Time{}
		} else {
			if suspect.IsZero() {
				suspect = began
			}
			route.Look()
			if wait := time.Since(suspect); wait >= suspectAfter && f.setAsideUncovered(ctx, route, session, w, failures, wait) {
				continue
			}
		}
		if errors.Is(failures.other, ErrNoAck) {
			ackWait = min(2*ackWait, LastAckWait)
		}
		if denials {
			f.lookAhead(ctx, w, pause)
		} else {
			f.pause(ctx, pause)
		}
		pause = min(2*pause, lastRetry)
	}
}

// failures is why events of a round were not stored.
type failures struct {
	noStream error
	suspects map[string]struct{} // subjects for which there may be no stream
	denied   map[string]struct{} // subjects that the server denies
	other    error
}

func (f *failures) note(subject string, err error) {
	switch {
	case errors.Is(err, ErrDenied):
		if f.denied == nil {
			f.denied = make(map[string]struct{})
		}
		f.denied[subject] = struct{}{}
		return
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

// cause returns that of the failures which concerns the most events, most likely.
func (f *failures) cause() error {
	switch {
	case f.noStream != nil:
		return f.noStream
	case f.other == nil && len(f.denied) > 0:
		return ErrDenied
	}
	return f.other
}

// areDenials tells whether there are denials and nothing else.
func (f *failures) areDenials() bool {
	return len(f.denied) > 0 && f.noStream == nil && f.other == nil
}

// round publishes what is left of the window once and waits for the acks.
func (f *Forwarder) round(ctx context.Context, route Route, session *Session, w *window, ackWait time.Duration) failures {
	var failed failures
	began := time.Now()
	acks := f.send(route, session, w, &failed)
	timer := time.NewTimer(ackWait)
	defer timer.Stop()
	waiting := waiting{session: session, began: began, expired: timer.C, denied: session.Denials.Next()}
	for i, ack := range acks {
		if ack == nil {
			continue
		}
		if err := waiting.await(ctx, ack, w.entries[i].Subject); err != nil {
			f.unstored(route, session, w, i, err, &failed)
			continue
		}
		route.Observer().Acked(1, time.Since(began))
		f.stored(w, i)
	}
	if waiting.duplicates > 0 {
		route.Observer().Duplicate(waiting.duplicates)
	}
	return failed
}

// send publishes what is left of the window and returns the acks to wait for, nil
// where there is none.
func (f *Forwarder) send(route Route, session *Session, w *window, failed *failures) []jetstream.PubAckFuture {
	acks := make([]jetstream.PubAckFuture, len(w.entries))
	tried := make(map[string]struct{}) // of the subjects that are held
	first, again := 0, 0
	for i := range w.entries {
		if w.settled[i] {
			continue
		}
		subject := w.entries[i].Subject
		if _, done := tried[subject]; done {
			continue
		}
		// nats.go's own retries would outlive this round.
		ack, err := session.JetStream.PublishMsgAsync(Expect(Message(&w.entries[i].Event), route.Stream()), jetstream.WithRetryAttempts(0))
		if err != nil {
			f.unstored(route, session, w, i, err, failed)
			if CanNeverBeStored(err) {
				continue
			}
			// The connection is down, or nats.go waits for too many acks: the next
			// event would meet the same, after another wait.
			break
		}
		acks[i] = ack
		if _, held := w.held[subject]; held {
			tried[subject] = struct{}{}
		}
		if w.sent[i] {
			again++
		} else {
			w.sent[i], first = true, first+1
		}
	}
	route.Observer().Sent(first)
	route.Observer().SentAgain(again)
	return acks
}

// stored notes that an event was stored.
func (f *Forwarder) stored(w *window, i int) {
	w.settle(i)
	event := &w.entries[i].Event
	f.noteStored(event, time.Now())
	w.release(event.Subject)
	delete(f.strays, event.Subject)
}

// waiting is what ends the wait for an ack besides the ack itself.
type waiting struct {
	session *Session
	began   time.Time        // before the events were sent
	expired <-chan time.Time // of all acks
	denied  <-chan struct{}  // closed when there is a further denial

	duplicates int // how many acks were for what the stream had already
}

// closedTimer is a timer that has expired for all who still ask.
var closedTimer = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// await waits for one ack. An ack that is there counts, even when the time is over.
func (a *waiting) await(ctx context.Context, ack jetstream.PubAckFuture, subject string) error {
	var end error
	for end == nil {
		if a.session.Denials.Since(subject, a.began) {
			end = ErrDenied
			break
		}
		select {
		case stored := <-ack.Ok():
			a.note(stored)
			return nil
		case err := <-ack.Err():
			return err
		case <-a.denied:
			a.denied = a.session.Denials.Next()
		case <-a.expired:
			a.expired = closedTimer
			end = ErrNoAck
		case <-a.session.Lost:
			end = ErrNotConnected
		case <-ctx.Done():
			end = ctx.Err()
		}
	}
	select {
	case stored := <-ack.Ok():
		a.note(stored)
		return nil
	case err := <-ack.Err():
		return err
	default:
		return end
	}
}

func (a *waiting) note(ack *jetstream.PubAck) {
	if ack.Duplicate {
		a.duplicates++
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
