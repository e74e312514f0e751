// SPDX-License-Identifier: Apache-2.0

// Package natstest starts nats-servers in the process, for tests alone.
package natstest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// Start starts a server with JetStream on a port of its own choice. It ends with
// the test.
func Start(t testing.TB, configure func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{Port: server.RANDOM_PORT, JetStream: true}
	if configure != nil {
		configure(opts)
	}
	if opts.StoreDir == "" {
		opts.StoreDir = t.TempDir()
	}
	return Run(t, opts)
}

// Run starts a quiet server on this machine. It ends with the test.
func Run(t testing.TB, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.NoLog, opts.NoSigs = "127.0.0.1", true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatalf("making the server: %v", err)
	}
	s.Start()
	t.Cleanup(func() { Stop(s) })
	if !s.ReadyForConnections(Patience) {
		t.Fatal("the server does not get ready")
	}
	if opts.JetStream {
		keepDirectory(t, s)
	}
	return s
}

// keepDirectory keeps the directory of all streams from being empty. If it is, the server
// removes it some time after it has deleted the last stream, and may take it away from one
// that is just being created.
func keepDirectory(t testing.TB, s *server.Server) {
	t.Helper()
	name := filepath.Join(s.JetStreamConfig().StoreDir, "$G", "streams", "no stream")
	if err := os.MkdirAll(name, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Stop returns when the server has ended. It may be called more than once.
func Stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}
