// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// testRoute is a connection with what the forwarder wants to know of it.
type testRoute struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	session atomic.Pointer[Session]
	batched atomic.Bool
	stream  string // that has to take the events; any if empty
	looks   atomic.Int64
	counts  counts
	denials atomic.Int64
	wake    atomic.Pointer[func()]
	lost    chan struct{} // that of the session; handlers are called one by one
}

const rejectedSubject = "rejected"

// newRoute connects until the test ends. It waits for the server.
func newRoute(t testing.TB, servers string) *testRoute {
	t.Helper()
	r := new(testRoute)
	stored, closed := make(chan struct{}), make(chan struct{})
	up := func(nc *nats.Conn) {
		<-stored
		r.lost = make(chan struct{})
		r.session.Store(&Session{Conn: nc, JetStream: r.js, MaxPayload: nc.MaxPayload(), Lost: r.lost, Denials: new(Denials)})
		if wake := r.wake.Load(); wake != nil {
			(*wake)()
		}
	}
	var err error
	r.nc, err = nats.Connect(servers,
		nats.NoEcho(),
		nats.Timeout(natstest.Patience),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(10*time.Millisecond),
		nats.ReconnectJitter(0, 0),
		nats.ReconnectBufSize(-1),
		nats.FlusherTimeout(natstest.Patience),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if session := r.session.Load(); session != nil {
				session.Denials.Note(err)
			}
			if errors.Is(err, nats.ErrPermissionViolation) {
				r.denials.Add(1)
			}
		}),
		nats.ConnectHandler(up),
		nats.ReconnectHandler(up),
		nats.DisconnectErrHandler(func(*nats.Conn, error) {
			if r.session.Swap(nil) != nil {
				close(r.lost)
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.nc.Close(); <-closed })
	if r.js, err = jetstream.New(r.nc, jetstream.WithPublishAsyncMaxPending(4*maxEvents), jetstream.WithPublishAsyncTimeout(5*time.Second),
		jetstream.WithDefaultTimeout(natstest.Patience)); err != nil {
		t.Fatal(err)
	}
	close(stored)
	natstest.Eventually(t, "there is a session", func() bool { return r.session.Load() != nil })
	return r
}

// Session implements Route.
func (r *testRoute) Session() *Session { return r.session.Load() }

// Batched implements Route.
func (r *testRoute) Batched() bool { return r.batched.Load() }

// Look implements Route.
func (r *testRoute) Look() { r.looks.Add(1) }

// HasStream implements Route.
func (r *testRoute) HasStream(ctx context.Context, session *Session) (bool, error) {
	names := session.JetStream.StreamNames(ctx)
	has := false
	for range names.Name() {
		has = true
	}
	return has, names.Err()
}

// Stream implements Route.
func (r *testRoute) Stream() string { return r.stream }

// Observer implements Route.
func (r *testRoute) Observer() Observer { return &r.counts }

// Rejected implements Route.
func (r *testRoute) Rejected() string { return rejectedSubject }
