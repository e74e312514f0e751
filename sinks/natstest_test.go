// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

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

// observeLogs collects what connections opened during the test log.
func observeLogs(t *testing.T) *observer.ObservedLogs {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	original := connLogger
	connLogger = func() *zap.Logger { return zap.New(core) }
	t.Cleanup(func() { connLogger = original })
	return logs
}

// refuseSecrets fails the test if a line or a field of the logs holds a secret.
func refuseSecrets(t *testing.T, logs *observer.ObservedLogs, secrets ...string) {
	t.Helper()
	for _, entry := range logs.All() {
		text := entry.Message
		for _, field := range entry.Context {
			text += " " + field.String
			if list, ok := entry.ContextMap()[field.Key].([]any); ok {
				for _, item := range list {
					text += " " + caddy.ToString(item)
				}
			}
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the log line holds a secret: %s", text)
			}
		}
	}
}

// connect acquires a connection until the test ends, and waits until it is up.
func connect(t *testing.T, o connOptions) *conn {
	t.Helper()
	c := acquire(t, o)
	eventually(t, patience, c.connected)
	return c
}

// acquire acquires a connection until the test ends, with the defaults that
// resolve fills in.
func acquire(t *testing.T, o connOptions) *conn {
	t.Helper()
	var err error
	o.Connection, err = o.resolve(caddy.NewReplacer(), true)
	if err != nil {
		t.Fatalf("resolving: %v", err)
	}
	c, err := acquireConn(o)
	if err != nil {
		t.Fatalf("acquiring: %v", err)
	}
	t.Cleanup(c.release)
	return c
}

// toServer returns the options to connect to a server.
func toServer(s *server.Server) connOptions {
	return connOptions{Connection: Connection{Servers: []string{s.ClientURL()}}}
}

// testMeter returns a meter that no sink has.
func testMeter() *meter { return meterOf(labels{sink: "test"}) }

// nats returns the connection itself, nil until dialling has begun.
func (c *conn) nats() *nats.Conn {
	if l := c.link.Load(); l != nil {
		return l.nc
	}
	return nil
}
