// SPDX-License-Identifier: Apache-2.0

package natsserver_test

import (
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// with returns apps and, beside them, an app that does nothing or fails at the
// named stage.
func with(apps map[string]any, when string) map[string]any {
	all := maps.Clone(apps)
	all["natsserver_test_failing"] = map[string]any{"when": when}
	return all
}

func TestReloadKeepsServer(t *testing.T) {
	store := t.TempDir()
	url := mustLoad(t, app(store))
	nc := client(t, url)
	publish(t, nc, "one")

	for range 3 {
		if again := mustLoad(t, with(app(store), "never")); again != url {
			t.Fatalf("after the reload the server is at %s, before it was at %s", again, url)
		}
		if again := mustLoad(t, app(store)); again != url {
			t.Fatalf("after the reload the server is at %s, before it was at %s", again, url)
		}
	}
	if logged.entry("kept the embedded NATS server running") == nil {
		t.Error("the log does not say that the server was kept")
	}

	// The connection does not reconnect: that it works proves that it was
	// never interrupted.
	publish(t, nc, "two")
	if got, want := stored(t, nc), []string{"one", "two"}; !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
	if other := client(t, url); other.ConnectedServerId() != nc.ConnectedServerId() {
		t.Error("a new client meets another server than the old one")
	}
	assertStops(t, url, nc)
}

func TestChangedOptionsAreRefused(t *testing.T) {
	store := t.TempDir()
	url := mustLoad(t, app(store))
	nc := client(t, url)

	for option, value := range map[string]any{
		"listen":      "127.0.0.2:0",
		"store_dir":   filepath.Join(store, "other"),
		"max_memory":  1 << 20,
		"max_storage": 1 << 20,
		"max_payload": 1 << 10,
		"token":       "secret",
	} {
		err := caddy.Load(config(t, app(store, option, value)), true)
		if err == nil || !strings.Contains(err.Error(), "changing "+option+" needs a restart of Caddy") {
			t.Errorf("%s: got error %v, want one that asks for a restart", option, err)
		}
		publish(t, nc, option)
	}
	err := caddy.Load(config(t, app(store, "max_memory", 1, "max_storage", 1)), true)
	if err == nil || !strings.Contains(err.Error(), "max_memory, max_storage") {
		t.Errorf("got error %v, want one that names both options", err)
	}

	mustLoad(t, with(app(store), "never"))
	publish(t, nc, "last")
	assertStops(t, url, nc)
}

func TestDefaultsWrittenOutAreUnchanged(t *testing.T) {
	store := t.TempDir()
	nc := client(t, mustLoad(t, app(store)))
	mustLoad(t, app(store, "max_memory", 256<<20, "max_storage", 10<<30, "max_payload", 1<<20))
	publish(t, nc, "still here")
}

func TestFailedReloadLeavesServerWhole(t *testing.T) {
	store := t.TempDir()
	url := mustLoad(t, app(store))
	nc := client(t, url)

	for _, when := range []string{"provision", "validate", "start"} {
		// Caddy starts apps in random order: with enough turns the failing
		// one comes both before and after ours.
		for range 8 {
			if err := caddy.Load(config(t, with(app(store), when)), true); err == nil {
				t.Fatalf("the configuration that fails in %s was loaded", when)
			}
			publish(t, nc, when)
		}
	}
	assertStops(t, url, nc)
}

func TestFailedFirstLoadStopsServer(t *testing.T) {
	store := t.TempDir()
	for range 8 {
		if err := load(t, with(app(store), "start")); err == nil {
			t.Fatal("the configuration that fails in start was loaded")
		}
	}
	// Had the server been left running, its options would stand in the way.
	mustLoad(t, app(store, "max_memory", 1<<20))
}

func TestRemovedAppStopsServer(t *testing.T) {
	store := t.TempDir()
	url := mustLoad(t, app(store))
	if err := caddy.Load(config(t, nil), true); err != nil {
		t.Fatal(err)
	}
	assertUnreachable(t, url)

	nc := client(t, mustLoad(t, app(store, "max_payload", 2<<20)))
	if nc.MaxPayload() != 2<<20 {
		t.Errorf("the new server has a payload limit of %d, want %d", nc.MaxPayload(), 2<<20)
	}
}

// assertStops stops Caddy and checks that the server goes with it, which it
// does only if every reference was given back.
func assertStops(t *testing.T, url string, nc *nats.Conn) {
	t.Helper()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	assertUnreachable(t, url)
	natstest.Eventually(t, "the client to be cut off", nc.IsClosed)
}

func assertUnreachable(t *testing.T, url string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://"))
	if err == nil {
		_ = conn.Close()
		t.Error("the server still accepts connections")
	}
}
