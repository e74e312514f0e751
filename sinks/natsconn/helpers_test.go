// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
)

// observeLogs collects what connections opened during the test log.
func observeLogs(t *testing.T) *observer.ObservedLogs {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	original := Logger
	Logger = func() *zap.Logger { return zap.New(core) }
	t.Cleanup(func() { Logger = original })
	return logs
}

// connect acquires a connection until the test ends, and waits until it is up.
func connect(t *testing.T, o Options) *Conn {
	t.Helper()
	c := acquire(t, o)
	natstest.Eventually(t, "the condition holds", c.Connected)
	return c
}

// acquire acquires a connection until the test ends, with the defaults that
// resolve fills in.
func acquire(t *testing.T, o Options) *Conn {
	t.Helper()
	var err error
	o.Connection, err = o.Resolve(caddy.NewReplacer(), true)
	if err != nil {
		t.Fatalf("resolving: %v", err)
	}
	c, err := Acquire(o)
	if err != nil {
		t.Fatalf("acquiring: %v", err)
	}
	t.Cleanup(c.Release)
	return c
}

// toServer returns the options to connect to a server.
func toServer(s *server.Server) Options {
	return Options{Connection: Connection{Servers: []string{s.ClientURL()}}}
}

// testMeter returns a meter that no sink has.
func testMeter() *meter.Meter { return meter.Of(meter.Labels{Sink: "test"}) }

func wantEmptyPool(t *testing.T) {
	t.Helper()
	if n := Pooled(); n > 0 {
		t.Errorf("the pool still holds %d connections", n)
	}
}
