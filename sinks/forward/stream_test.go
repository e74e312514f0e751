// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// wantNothingAside fails the test if an event was set aside.
func (r *rig) wantNothingAside(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(r.asideFile()); !os.IsNotExist(err) {
		t.Errorf("there is a file of events that were set aside (%v)", err)
	}
}

// awaitTrouble waits until the log says that events wait.
func (r *rig) awaitTrouble(t testing.TB) {
	t.Helper()
	natstest.Eventually(t, "the log says that events wait", func() bool { return r.lines(linesWait) > 0 })
}

// Events wait for a stream that is not there, long enough to be suspected.
func TestMissingStream(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		r.route.batched.Store(batched)
		r.forwarder.health.quiet = 0
		r.append(events(100)...)
		r.start(t)
		natstest.Eventually(t, "the stream is looked for", func() bool { return r.route.looks.Load() >= 8 })
		if n := r.acknowledged(); n != 0 {
			t.Errorf("%d events are acknowledged without a stream", n)
		}
		createStream(t, r.route.js, nil)
		r.awaitAcked(t, 100)
		wantStored(t, r.route.js, events(100))
		r.wantNothingAside(t)
		natstest.Eventually(t, "the log says that all is well", func() bool { return r.lines(linesAgain) == 1 })
		if n := r.lines(linesWait); n != 1 {
			t.Errorf("%d lines that events wait", n)
		}
		r.refuseSecret(t)
	})
}

// A subscriber that only listens keeps the server from saying that there is no
// stream. It is looked for all the same.
func TestMissingStreamWithListener(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	tap(t, s.ClientURL())
	r := newRig(t, s.ClientURL())
	r.append(events(10)...)
	r.start(t)
	natstest.Eventually(t, "the stream is looked for", func() bool { return r.route.looks.Load() >= 1 })
	createStream(t, r.route.js, nil)
	r.awaitAcked(t, 10)
	wantStored(t, r.route.js, events(10))
	r.wantNothingAside(t)
}

// What comes while a stream is away is stored in the one that takes its place.
func TestStreamCreatedAgain(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.start(t)
		r.append(events(5000)...)
		r.awaitAcked(t, 1000)
		if err := r.route.js.DeleteStream(t.Context(), "EVENTS"); err != nil {
			t.Fatal(err)
		}
		before := r.acknowledged()
		for i := 5000; i < 10000; i++ {
			r.append(event(i + 1))
		}
		natstest.Eventually(t, "the stream is looked for", func() bool { return r.route.looks.Load() >= 2 })
		createStream(t, r.route.js, nil)
		r.awaitAcked(t, 10000)
		// What was acknowledged later than the stream was deleted is in the new one;
		// the window that was under way may be in part.
		got := make(map[string]int)
		for _, e := range storedIn(t, r.route.js, "EVENTS") {
			got[e.MessageID]++
		}
		for i := before + 2*maxEvents; i <= 10000; i++ {
			if n := got[event(i).MessageID]; n != 1 {
				t.Errorf("event %d is stored %d times", i, n)
			}
		}
		r.wantNothingAside(t)
	})
}

// Events wait for a stream that takes nothing at the moment.
func TestStuckStream(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stuck, free func(*jetstream.StreamConfig)
		some        bool // events are stored even so
	}{
		"max_msgs": {
			func(c *jetstream.StreamConfig) { c.MaxMsgs = 42 },
			func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 },
			true,
		},
		"max_bytes": {
			func(c *jetstream.StreamConfig) { c.MaxBytes = 8 << 10 },
			func(c *jetstream.StreamConfig) { c.MaxBytes = -1 },
			true,
		},
		"max_msgs_per_subject": {
			func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject, c.DiscardNewPerSubject = 7, true },
			func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject, c.DiscardNewPerSubject = -1, false },
			true,
		},
		"memory": {
			func(c *jetstream.StreamConfig) { c.Storage, c.MaxMsgs = jetstream.MemoryStorage, 1 },
			func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 },
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, batched bool) {
				s := natstest.Start(t, nil)
				r := newRig(t, s.ClientURL())
				stream := createStream(t, r.route.js, test.stuck)
				r.route.batched.Store(batched)
				r.forwarder.health.quiet = 0
				r.append(events(1500)...)
				r.start(t)
				r.awaitTrouble(t)
				natstest.Eventually(t, "what the stream has is acknowledged", func() bool {
					info, err := stream.Info(t.Context())
					return err == nil && info.State.Msgs > 0 && r.acknowledged() == int(info.State.Msgs)
				})
				updateStream(t, r.route.js, stream, test.free)
				r.awaitAcked(t, 1500)
				wantEach(t, r.route.js, 1500)
				r.wantNothingAside(t)
				r.refuseSecret(t)
			})
		})
	}
}

// A sealed stream cannot be opened again. Events wait until another takes its place.
func TestSealedStream(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		stream := createStream(t, r.route.js, nil)
		updateStream(t, r.route.js, stream, func(c *jetstream.StreamConfig) { c.Sealed = true })
		r.route.batched.Store(batched)
		r.forwarder.health.quiet = 0
		r.append(events(30)...)
		r.start(t)
		r.awaitTrouble(t)
		if n := r.acknowledged(); n != 0 {
			t.Errorf("%d events are acknowledged", n)
		}
		if err := r.route.js.DeleteStream(t.Context(), "EVENTS"); err != nil {
			t.Fatal(err)
		}
		createStream(t, r.route.js, nil)
		r.awaitAcked(t, 30)
		wantEach(t, r.route.js, 30)
		r.wantNothingAside(t)
	})
}

// An ack that never comes holds up the forwarder no longer than it has to.
func TestSilentStream(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	stream := createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.NoAck = true })
	r.append(events(10)...)
	r.start(t)
	natstest.Eventually(t, "events are stored", func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs == 10
	})
	updateStream(t, r.route.js, stream, func(c *jetstream.StreamConfig) { c.NoAck = false })
	r.awaitAcked(t, 10)
	wantEach(t, r.route.js, 10)
	began := time.Now()
	r.stop()
	if d := time.Since(began); d > LastAckWait {
		t.Errorf("the forwarder ends after %s", d)
	}
}
