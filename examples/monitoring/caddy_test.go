// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	_ "github.com/segmentpixel/caddy-segment-pixel"
)

// patience is how long tests wait for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

// run loads a Caddyfile until the test is over. Tests that use it share the
// process's one Caddy, so they do not run in parallel.
func run(t *testing.T, sites string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir) // for spools that are given no directory
	options := "{\nadmin off\npersist_config off\nstorage file_system " + dir + "/storage\nlog default {\noutput discard\n}\n"
	if rest, ok := strings.CutPrefix(sites, "{\n"); ok {
		sites = options + rest
	} else {
		sites = options + "}\n" + sites
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(sites), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	// Caddy's storage looks every few seconds whether a lock has been released.
	lock := goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh")
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
		var leak error
		eventually(t, "nothing is left running", func() bool {
			leak = goleak.Find(before, lock)
			return leak == nil || t.Failed()
		})
		if leak != nil {
			t.Error(leak)
		}
	})
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
}

// freePort returns a port as it stands in a URL.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// startNATS starts a server with JetStream.
func startNATS(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS does not get ready")
	}
	return s
}

// eventually waits for cond, and fails the test when it does not come about.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
