// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// StartPlain starts a nats-server in the process, without JetStream unless configure
// says so, on a port of its own choice unless configure sets one. It ends with the
// test.
func StartPlain(t *testing.T, configure func(*server.Options)) *server.Server {
	t.Helper()
	return Start(t, func(o *server.Options) {
		o.JetStream = false
		o.TLSTimeout = Patience.Seconds()
		if configure != nil {
			configure(o)
		}
	})
}

// ProxyOf starts a proxy in front of a server.
func ProxyOf(t *testing.T, s *server.Server) *Proxy {
	t.Helper()
	p := NewProxy(t)
	p.SetTarget(s.Addr().String())
	return p
}

// ServerPort returns the port on which the server listens.
func ServerPort(s *server.Server) int {
	return s.Addr().(*net.TCPAddr).Port
}

// FreePort returns a port that was free a moment ago.
func FreePort(t *testing.T) int {
	t.Helper()
	address, err := harness.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return int(netip.MustParseAddrPort(address).Port())
}

// Receive fails the test if nothing comes out of the channel in time.
func Receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(Patience):
		t.Fatalf("nothing within %s", Patience)
		panic("unreachable")
	}
}

// CheckLeaks fails the test if goroutines that it started outlive it. Call it
// first, as it looks after all other cleanups. A server that was shut down may need
// longer on a busy machine than goleak waits for.
func CheckLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		var leaked error
		for end := time.Now().Add(Patience); time.Now().Before(end); {
			if leaked = goleak.Find(before); leaked == nil {
				return
			}
		}
		t.Error(leaked)
	})
}

// Restartable is a server that comes back on the same port with the same store.
type Restartable struct {
	t    *testing.T
	dir  string
	port int
	*server.Server
}

// NewRestartable returns a server that does not run yet.
func NewRestartable(t *testing.T) *Restartable {
	t.Helper()
	return &Restartable{t: t, dir: t.TempDir(), port: FreePort(t)}
}

// URL stays the same.
func (r *Restartable) URL() string { return fmt.Sprintf("nats://127.0.0.1:%d", r.port) }

// Start starts it, with what it had stored.
func (r *Restartable) Start() {
	r.t.Helper()
	r.Server = StartPlain(r.t, func(o *server.Options) {
		o.JetStream, o.StoreDir, o.Port = true, r.dir, r.port
	})
}

// Stop stops it.
func (r *Restartable) Stop() { Stop(r.Server) }

// WantError fails the test unless the error has this text in it, or there is none to be
// had.
func WantError(t *testing.T, err error, want string) {
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

// WriteFile writes a file of the test.
func WriteFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
