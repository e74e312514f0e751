// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// batcher publishes by JetStream's batched fast publish, which nats-server has
// since 2.14. What a message is to its batch stands in its reply subject:
//
//	<inbox>.<batch>.<flow>.<gap mode>.<sequence>.<operation>.$FI
//
// The server answers now and then with the sequence up to which the batch is
// stored, and at the end with one ack for all of it. In gap mode "fail" it ends a
// batch from which a message is missing, so what it acknowledges has no holes.
//
// The server takes a message id that it has seen but not yet stored for a
// duplicate, and counts it as done. Therefore a batch is never used for events
// that may have been sent before.
type batcher struct {
	session *Session
	sub     *nats.Subscription
	replies chan *nats.Msg
	prefix  string // of all reply subjects, with a dot at the end
	count   uint64
	message MessageBuffer
	ackWait time.Duration // batchAckWait, but in tests
}

const (
	opStart  = "0"
	opAppend = "1"
	opCommit = "2"
	opEnd    = "3" // to commit what came before this message, without it

	// ackEvery is how often we ask to hear of progress, in messages. The server
	// goes no higher than this.
	ackEvery = "500"

	// A batch that goes without an answer for so long may be half with a leader
	// that is no more. Its last message is sent again then: a server that misses
	// others says so, and one that does not ignores it. After so many times nobody
	// is there to answer.
	batchAckWait  = time.Second
	batchAckWaits = 5

	// maxReplies is more than a batch can cause: every message of one that the
	// server does not know is answered with an error.
	maxReplies = 2 * maxEvents
)

// use makes the batcher ready for a session.
func (b *batcher) use(session *Session) error {
	if b.session == session {
		return nil
	}
	b.close()
	b.replies = make(chan *nats.Msg, maxReplies)
	b.prefix = session.Conn.NewInbox() + "."
	sub, err := session.Conn.ChanSubscribe(b.prefix+">", b.replies)
	if err != nil {
		return err
	}
	b.session, b.sub = session, sub
	return nil
}

func (b *batcher) close() {
	if b.sub != nil {
		_ = b.sub.Unsubscribe()
	}
	b.session, b.sub = nil, nil
}

// fitting returns how many entries, from the first, are no larger than the server
// takes. nats.go refuses one that is, and a batch should not be left half sent.
func fitting(entries []spool.Entry, maxPayload int64) int {
	for i := range entries {
		if MessageSize(&entries[i].Event) > maxPayload {
			return i
		}
	}
	return len(entries)
}

// publish sends the entries as one batch and returns how many of them, from the
// first, were sent and are stored. With an error, the others may be stored or not.
func (b *batcher) publish(ctx context.Context, session *Session, entries []spool.Entry, route Route) (sent, stored int, err error) {
	if err := b.use(session); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	b.drop()
	b.count++
	// The server knows a batch by this token alone, among those of all publishers.
	batch := nuid.Next() + strconv.FormatUint(b.count, 36)
	prefix := b.prefix + batch + "." + ackEvery + ".fail."
	last := len(entries) - 1
	for i := range entries {
		operation := opAppend
		switch i {
		case last:
			operation = opCommit
		case 0:
			operation = opStart
		}
		msg := b.message.Of(&entries[i].Event)
		if i == 0 { // A batch is of one stream: it does not go on in another.
			msg = Expect(msg, route.Stream())
		}
		msg.Reply = batchReplySubject(prefix, i+1, operation)
		if err := session.Conn.PublishMsg(msg); err != nil {
			route.Observer().Sent(i)
			return i, 0, err
		}
	}
	route.Observer().Sent(len(entries))
	stored, err = b.await(ctx, prefix, entries, route.Stream(), began)
	if stored > 0 {
		route.Observer().Acked(stored, time.Since(began))
	}
	return len(entries), stored, err
}

// batchReplySubject is where the server learns a message's place in its batch, and
// what to do with it.
func batchReplySubject(prefix string, sequence int, operation string) string {
	return prefix + strconv.Itoa(sequence) + "." + operation + ".$FI"
}

// drop forgets what has come for earlier batches.
func (b *batcher) drop() {
	for {
		select {
		case <-b.replies:
		default:
			return
		}
	}
}

// commit makes the last message of a batch again.
func commit(prefix string, entries []spool.Entry, stream string) *nats.Msg {
	msg := Expect(Message(&entries[len(entries)-1].Event), stream)
	msg.Reply = batchReplySubject(prefix, len(entries), opCommit)
	return msg
}

// ending makes a message that takes the place of a last one that was denied, as a batch
// has no other end. It needs a subject of the batch that was not denied; without one it
// is nil.
func (b *batcher) ending(prefix string, entries []spool.Entry, began time.Time) *nats.Msg {
	for i := range slices.Backward(entries) {
		if subject := entries[i].Subject; !b.session.Denials.Since(subject, began) {
			return &nats.Msg{Subject: subject, Reply: batchReplySubject(prefix, len(entries), opEnd)}
		}
	}
	return nil
}

// await waits for the end of the batch of these entries, which began to be sent then.
// Its replies come to subjects with the prefix.
func (b *batcher) await(ctx context.Context, prefix string, entries []spool.Entry, stream string, began time.Time) (int, error) {
	p := newProgress(len(entries))
	last := commit(prefix, entries, stream)
	timer := time.NewTimer(b.ackWait)
	defer timer.Stop()
	for waits := 0; ; {
		var end error
		denied := b.session.Denials.Next()
		if b.session.Denials.Since(last.Subject, began) {
			if last = b.ending(prefix, entries, began); last == nil {
				return p.stored, ErrDenied
			}
			if err := b.session.Conn.PublishMsg(last); err != nil {
				return p.stored, err
			}
		}
		select {
		case msg := <-b.replies:
			place, ours := strings.CutPrefix(msg.Subject, prefix)
			if !ours {
				continue
			}
			if p.note(place, msg) {
				return p.stored, p.cause
			}
			timer.Reset(b.ackWait)
		case <-denied:
		case <-timer.C:
			timer.Reset(b.ackWait)
			if waits++; waits < batchAckWaits {
				end = b.session.Conn.PublishMsg(last)
			} else {
				end = ErrNoAck
			}
		case <-b.session.Lost:
			end = ErrNotConnected
		case <-ctx.Done():
			end = ctx.Err()
		}
		// What has come in time counts.
		if end != nil && len(b.replies) == 0 {
			return p.stored, end
		}
	}
}
