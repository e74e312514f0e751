// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"bytes"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

func TestDeliver(t *testing.T) {
	t.Parallel()
	bare := []spool.Event{
		{Subject: "events.a", Body: []byte("1")},
		{Subject: "events.b", Body: []byte{0, '\r', '\n', 0xff}},
		{Subject: "events.c", Body: []byte{}},
	}
	for name, list := range map[string][]spool.Event{
		"one":               events(1),
		"two":               events(2),
		"several":           events(10),
		"a window":          events(maxEvents),
		"more than windows": events(3*maxEvents + 7),
		"without headers":   bare,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, batched bool) {
				s := natstest.Start(t, nil)
				wires := tap(t, s.ClientURL())
				r := newRig(t, s.ClientURL())
				r.patient()
				stream := createStream(t, r.route.js, nil)
				r.route.batched.Store(batched)
				r.onAck = func(acked int) {
					if info, err := stream.Info(t.Context()); err != nil || info.State.Msgs < uint64(acked) {
						t.Errorf("%d events are acknowledged, the stream holds %d (%v)", acked, info.State.Msgs, err)
					}
				}
				r.append(list...)
				r.start(t)
				r.awaitAcked(t, len(list))
				wantStored(t, r.route.js, list)
				if batched {
					wires.want(t, int64(len(list)), 0)
				} else {
					wires.want(t, 0, int64(len(list)))
				}
				if r.limits != [2]int{maxEvents, maxBytes} {
					t.Errorf("the source was asked for %v", r.limits)
				}
			})
		})
	}
}

func TestLargeEvents(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		var want []spool.Event
		for i := range 9 {
			e := event(i)
			e.Body = bytes.Repeat([]byte{byte('a' + i)}, 1<<20-200)
			want = append(want, e)
			r.append(e)
		}
		r.start(t)
		r.awaitAcked(t, len(want))
		wantStored(t, r.route.js, want)
	})
}

func TestEventsOneByOne(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		wires := tap(t, s.ClientURL())
		r := newRig(t, s.ClientURL())
		r.patient()
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.start(t)
		for i := range 20 {
			r.append(event(i + 1))
			r.awaitAcked(t, i+1)
		}
		wantStored(t, r.route.js, events(20))
		if batched {
			wires.want(t, 20, 0)
		} else {
			wires.want(t, 0, 20)
		}
	})
}

// Events that may have been sent by an earlier run are not put into a batch, as the
// server takes one that it is about to store for stored.
func TestInDoubt(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	wires := tap(t, s.ClientURL())
	r := newRig(t, s.ClientURL())
	r.patient()
	createStream(t, r.route.js, nil)
	r.route.batched.Store(true)
	r.inDoubt = 3
	r.renew()
	r.append(events(10)...)
	r.start(t)
	r.awaitAcked(t, 10)
	wires.want(t, 0, 10)
	r.route.counts.wantSent(t, 7, 3)
	for i := range 5 {
		r.append(event(11 + i))
	}
	r.awaitAcked(t, 15)
	wires.want(t, 5, 10)
	r.route.counts.wantSent(t, 12, 3)
	wantStored(t, r.route.js, events(15))
}

// A stream that allows no batches refuses one, and batches are left alone after.
func TestFailingBatch(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	wires := tap(t, s.ClientURL())
	r := newRig(t, s.ClientURL())
	r.patient()
	stream := createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.AllowBatchPublish = false })
	r.route.batched.Store(true)
	r.append(events(10)...)
	r.start(t)
	r.awaitAcked(t, 10)
	wires.want(t, 10, 10)
	if r.route.counts.want(t, 10); r.route.counts.again.Load() != 10 {
		t.Errorf("%d events were counted as sent again, want 10", r.route.counts.again.Load())
	}

	updateStream(t, r.route.js, stream, func(c *jetstream.StreamConfig) { c.AllowBatchPublish = true })
	r.append(event(11))
	r.awaitAcked(t, 11)
	wires.want(t, 10, 11)

	// Another forwarder knows nothing of that.
	r.stop()
	r.renew()
	r.start(t)
	r.append(event(12))
	r.awaitAcked(t, 12)
	wires.want(t, 11, 11)
	wantStored(t, r.route.js, events(12))
	r.refuseSecret(t)
}

func TestBatchesComeBack(t *testing.T) {
	t.Parallel()
	f := New(newMemory(), t.TempDir(), newRig(t, natstest.Start(t, nil).ClientURL()).forwarder.logger, nil)
	for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		f.noteBatch(errGap)
		if got := int(f.batchPause.Seconds()); got != want {
			t.Errorf("the pause is %d s, want %d s", got, want)
		}
	}
	f.noteBatch(nil)
	f.noteBatch(errGap)
	if f.batchPause != firstBatchPause {
		t.Errorf("after a success the pause is %s", f.batchPause)
	}
}

func TestUnreadableSource(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	createStream(t, r.route.js, nil)
	r.forwarder.health.quiet = 0
	r.fault = errors.New("the disk is gone")
	r.append(events(3)...)
	r.start(t)
	r.awaitAcked(t, 3)
	wantStored(t, r.route.js, events(3))
	natstest.Eventually(t, "the log says so", func() bool { return r.lines(linesAgain) == 1 })
	if r.lines(linesWait) != 1 {
		t.Error("the log does not tell of the trouble")
	}
}

// A closed spool ends the forwarder.
func TestClosedSource(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	r.fault = spool.ErrClosed
	r.start(t)
	<-r.done
}
