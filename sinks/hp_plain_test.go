// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/natstest"
)

// patience is how long tests wait for what takes milliseconds on an idle machine.
const patience = 20 * time.Second

// startServer starts a nats-server in the process, without JetStream unless configure
// says so, on a port of its own choice unless configure sets one. It ends with the
// test.
func startServer(t *testing.T, configure func(*server.Options)) *server.Server {
	t.Helper()
	return natstest.Start(t, func(o *server.Options) {
		o.JetStream = false
		o.TLSTimeout = patience.Seconds()
		if configure != nil {
			configure(o)
		}
	})
}

func stopServer(s *server.Server) { natstest.Stop(s) }

// proxyOf starts a proxy in front of a server.
func proxyOf(t *testing.T, s *server.Server) *natstest.Proxy {
	t.Helper()
	p := natstest.NewProxy(t)
	p.SetTarget(s.Addr().String())
	return p
}

// serverPort returns the port on which the server listens.
func serverPort(s *server.Server) int {
	return s.Addr().(*net.TCPAddr).Port
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// eventually fails the test if cond does not hold before the timeout.
func eventually(t *testing.T, timeout time.Duration, cond func() bool) {
	t.Helper()
	natstest.Within(t, timeout, "the condition holds", cond)
}

// receive fails the test if nothing comes out of the channel in time.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("nothing within %s", patience)
		panic("unreachable")
	}
}

// checkLeaks fails the test if goroutines that it started outlive it. Call it
// first, as it looks after all other cleanups.
func checkLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// restartable is a server that comes back on the same port with the same store.
type restartable struct {
	t    *testing.T
	dir  string
	port int
	*server.Server
}

// newRestartable returns a server that does not run yet.
func newRestartable(t *testing.T) *restartable {
	t.Helper()
	return &restartable{t: t, dir: t.TempDir(), port: freePort(t)}
}

func (r *restartable) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", r.port) }

func (r *restartable) start() {
	r.t.Helper()
	r.Server = startServer(r.t, func(o *server.Options) {
		o.JetStream, o.StoreDir, o.Port = true, r.dir, r.port
	})
}

func (r *restartable) stop() { stopServer(r.Server) }

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got error %q, want one with %q", err, want)
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error holds a secret: %v", err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
