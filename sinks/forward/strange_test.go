// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// pretend answers events in the place of a stream.
func pretend(t testing.TB, server string, answer func(nc *nats.Conn, msg *nats.Msg)) {
	t.Helper()
	nc, err := nats.Connect(server, nats.Timeout(natstest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if _, err := nc.Subscribe("events.>", func(msg *nats.Msg) { answer(nc, msg) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

const pretendedAck = `{"stream":"S","seq":1}`

// No answer to a batch that does not say so makes an event count as stored.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	const n = 20
	end := fmt.Sprintf(`{"stream":"S","seq":9,"count":%d}`, n)
	for name, answer := range map[string]func(nc *nats.Conn, msg *nats.Msg){
		"rubbish":      func(_ *nats.Conn, msg *nats.Msg) { _ = msg.Respond([]byte("+OK")) },
		"nothing":      func(_ *nats.Conn, msg *nats.Msg) { _ = msg.Respond(nil) },
		"other type":   func(_ *nats.Conn, msg *nats.Msg) { _ = msg.Respond([]byte(`{"type":"pub","count":20}`)) },
		"single acks":  func(_ *nats.Conn, msg *nats.Msg) { _ = msg.Respond([]byte(pretendedAck)) },
		"ack of none":  func(_ *nats.Conn, msg *nats.Msg) { _ = msg.Respond([]byte(`{"stream":"S","count":0}`)) },
		"ack and flaw": func(_ *nats.Conn, msg *nats.Msg) { _ = msg.Respond([]byte(`{"stream":"S","count":20,"error":{}}`)) },
		"ack of another batch": func(nc *nats.Conn, msg *nats.Msg) {
			tokens := strings.Split(msg.Reply, ".")
			tokens[len(tokens)-6] = "another"
			_ = nc.Publish(strings.Join(tokens, "."), []byte(end))
			_ = msg.Respond([]byte(`{"error":{"code":400}}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := natstest.Start(t, nil)
			r := newRig(t, s.ClientURL())
			var single atomic.Int64
			pretend(t, s.ClientURL(), func(nc *nats.Conn, msg *nats.Msg) {
				if strings.HasSuffix(msg.Reply, ".$FI") {
					answer(nc, msg)
					return
				}
				single.Add(1)
				_ = msg.Respond([]byte(pretendedAck))
			})
			r.onAck = func(acked int) {
				if seen := single.Load(); seen < int64(acked) {
					t.Errorf("%d events are acknowledged, %d are stored", acked, seen)
				}
			}
			r.route.batched.Store(true)
			r.append(events(n)...)
			r.start(t)
			r.awaitAcked(t, n)
		})
	}
}

// The last message of a batch is sent again when nothing is heard. An answer to that
// ends the batch.
func TestCommitIsSentAgain(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	var commits, single atomic.Int64
	pretend(t, s.ClientURL(), func(_ *nats.Conn, msg *nats.Msg) {
		switch {
		case !strings.HasSuffix(msg.Reply, ".$FI"):
			single.Add(1)
			_ = msg.Respond([]byte(pretendedAck))
		case strings.HasSuffix(msg.Reply, ".5.2.$FI"):
			if commits.Add(1) == 2 {
				_ = msg.Respond([]byte(`{"stream":"S","seq":9,"count":3}`))
			}
		}
	})
	r.route.batched.Store(true)
	r.append(events(5)...)
	r.start(t)
	r.awaitAcked(t, 5)
	if c, s := commits.Load(), single.Load(); c != 2 || s != 2 {
		t.Errorf("%d commits and %d single events, want 2 and 2", c, s)
	}
}

// When nobody answers, a batch is given up and its events are published singly.
func TestSilence(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	pretend(t, s.ClientURL(), func(_ *nats.Conn, msg *nats.Msg) {
		if !strings.HasSuffix(msg.Reply, ".$FI") {
			_ = msg.Respond([]byte(pretendedAck))
		}
	})
	r.route.batched.Store(true)
	r.append(events(5)...)
	r.start(t)
	r.awaitAcked(t, 5)
}

// With too many acks missing, nats.go makes everyone wait who publishes. The
// forwarder does not do so for each event, and can be stopped.
func TestTooManyPendingAcks(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	js, err := jetstream.New(r.route.nc, jetstream.WithPublishAsyncMaxPending(50))
	if err != nil {
		t.Fatal(err)
	}
	session := *r.route.session.Load()
	session.JetStream = js
	r.route.session.Store(&session)
	stream := createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.NoAck = true })
	r.append(events(500)...)
	r.start(t)
	natstest.Eventually(t, "some events are stored", func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs >= 50
	})
	began := time.Now()
	r.stop()
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("the forwarder ends after %s", d)
	}
}

// Events without a message id are not stored twice because one among them is
// refused.
func TestRefusalDoublesNothing(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]spool.Event{
		"max_payload":  large(5, 2<<20),
		"max_msg_size": large(5, 20_000),
		"uncovered":    {Subject: "other.subject", Body: []byte("{}")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := natstest.Start(t, nil)
			r := newRig(t, s.ClientURL())
			createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 10_000 })
			r.route.batched.Store(true)
			var want []spool.Event
			for i := range 1500 {
				e := event(i)
				if i == 700 {
					e = refused
				}
				e.MessageID = ""
				r.append(e)
				if i != 700 {
					want = append(want, e)
				}
			}
			r.start(t)
			r.awaitAcked(t, 1500)
			wantStored(t, r.route.js, want)
		})
	}
}
