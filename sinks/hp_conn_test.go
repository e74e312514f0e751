// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

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

func wantEmptyPool(t *testing.T) {
	t.Helper()
	if n := pooledConns(); n > 0 {
		t.Errorf("the pool still holds %d connections", n)
	}
}

func messages(logs *observer.ObservedLogs) string {
	var all []string
	for _, entry := range logs.All() {
		all = append(all, entry.Message)
	}
	return strings.Join(all, "; ")
}
