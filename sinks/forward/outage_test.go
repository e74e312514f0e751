// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// restartable returns a proxy, and how to start a server behind it that finds what the
// one before has stored.
func restartable(t *testing.T) (*natstest.Proxy, func() *server.Server) {
	t.Helper()
	directory := t.TempDir()
	proxy := natstest.NewProxy(t)
	return proxy, func() *server.Server {
		s := natstest.Start(t, func(o *server.Options) { o.StoreDir = directory })
		proxy.SetTarget(s.Addr().String())
		return s
	}
}

// The server ends in the middle of windows, and comes back with what it had.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		const restarts, chunk = 4, 3000
		proxy, start := restartable(t)
		s := start()
		r := newRig(t, proxy.Address())
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.start(t)
		for i := range restarts {
			for n := range chunk {
				r.append(event(i*chunk + n + 1))
			}
			r.awaitAcked(t, i*chunk+rand.IntN(maxEvents))
			natstest.Stop(s)
			s = start()
		}
		r.awaitAcked(t, restarts*chunk)
		wantEach(t, r.route.js, restarts*chunk)
		r.route.counts.want(t, restarts*chunk)
		r.wantNothingAside(t)
		r.refuseSecret(t)
	})
}

// The connection is cut in the middle of windows.
func TestConnectionIsCut(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		const cuts, chunk = 12, 1500
		s := natstest.Start(t, nil)
		proxy := natstest.NewProxy(t)
		proxy.SetTarget(s.Addr().String())
		r := newRig(t, proxy.Address())
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.start(t)
		for i := range cuts {
			// A batch that fails is followed by a time without.
			r.append(events((i + 1) * chunk)[i*chunk:]...)
			r.awaitAcked(t, i*chunk+rand.IntN(chunk))
			proxy.Cut()
		}
		r.awaitAcked(t, cuts*chunk)
		wantEach(t, newRoute(t, s.ClientURL()).js, cuts*chunk)
		r.route.counts.want(t, cuts*chunk)
		r.wantNothingAside(t)
	})
}

// Short troubles are not worth a line.
func TestShortOutageIsQuiet(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	proxy := natstest.NewProxy(t)
	proxy.SetTarget(s.Addr().String())
	r := newRig(t, proxy.Address())
	r.forwarder.health.quiet = natstest.Patience
	createStream(t, r.route.js, nil)
	r.start(t)
	for i := range 10 {
		r.append(event(i + 1))
		proxy.Cut()
		r.awaitAcked(t, i+1)
	}
	if r.lines(linesWait)+r.lines(linesAgain) != 0 {
		t.Error("the log tells of short troubles")
	}
}

// While there is no NATS, events wait, which is said once when it lasts.
func TestLongOutageIsLogged(t *testing.T) {
	t.Parallel()
	proxy, start := restartable(t)
	s := start()
	r := newRig(t, proxy.Address())
	r.forwarder.health.quiet = 20 * time.Millisecond
	createStream(t, r.route.js, nil)
	natstest.Stop(s)
	natstest.Eventually(t, "the connection is down", func() bool { return r.route.Session() == nil })
	r.append(events(2000)...)
	r.start(t)
	r.awaitTrouble(t)
	start()
	r.awaitAcked(t, 2000)
	wantStored(t, r.route.js, events(2000))
	natstest.Eventually(t, "the log says that all is well", func() bool { return r.lines(linesAgain) == 1 })
	if n := r.logs.FilterMessage(linesWait).FilterFieldKey("error").Len(); n == 0 || n > 2 {
		t.Errorf("%d lines that events wait: %v", n, r.logs.All())
	}
	r.refuseSecret(t)
}

// Routes come and go while events are delivered.
func TestRouteChanges(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		const changes, chunk = 12, 1500
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		r.forwarder.SetRoute(nil)
		r.start(t)
		for i := range changes {
			r.append(events((i + 1) * chunk)[i*chunk:]...)
			if i == 0 && r.acknowledged() != 0 {
				t.Error("events were delivered without a route")
			}
			other := newRoute(t, s.ClientURL())
			other.batched.Store(batched)
			wake := r.forwarder.Wake
			other.wake.Store(&wake)
			r.forwarder.SetRoute(other)
			r.awaitAcked(t, i*chunk+rand.IntN(chunk)+1)
			if i%3 == 1 {
				r.forwarder.SetRoute(nil)
			}
			if i%3 == 2 {
				other.nc.Close() // as a reload does that is quick
				r.forwarder.SetRoute(nil)
			}
		}
		r.forwarder.SetRoute(r.route)
		r.awaitAcked(t, changes*chunk)
		wantEach(t, r.route.js, changes*chunk)
		r.wantNothingAside(t)
	})
}

// Whenever the forwarder is stopped, the stream has what was acknowledged, and the
// next run delivers the rest.
func TestStopAtAnyTime(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		const runs, chunk = 30, 300
		s := natstest.Start(t, nil)
		r := newRig(t, s.ClientURL())
		stream := createStream(t, r.route.js, nil)
		r.route.batched.Store(batched)
		for i := range runs {
			r.append(events((i + 1) * chunk)[i*chunk:]...)
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(20*time.Millisecond))
			r.run(ctx, cancel)
			<-r.done
			cancel()
			if i%2 == 0 {
				r.stop()
			}
			wantAcknowledgedStored(t, stream, r.acknowledged())
			r.restart()
			r.renew()
			r.route.batched.Store(batched)
		}
		r.start(t)
		r.awaitAcked(t, runs*chunk)
		wantEach(t, r.route.js, runs*chunk)
		r.wantNothingAside(t)
	})
}

// wantAcknowledgedStored relies on events being stored in order in an R1 stream,
// except those that were under way when a run ended.
func wantAcknowledgedStored(t testing.TB, stream jetstream.Stream, acked int) {
	t.Helper()
	if acked == 0 {
		return
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs < uint64(acked) {
		t.Fatal(fmt.Errorf("%d events are acknowledged, the stream holds %d", acked, info.State.Msgs))
	}
}
