// SPDX-License-Identifier: Apache-2.0

package natsserver_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

func TestServesJetStream(t *testing.T) {
	store := filepath.Join(t.TempDir(), "deep", "store")
	url := mustLoad(t, app(store))

	nc := client(t, url)
	publish(t, nc, `{"type":"track"}`)
	if got, want := stored(t, nc), []string{`{"type":"track"}`}; !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}

	entry := logged.entry("embedded NATS server is running")
	if entry == nil {
		t.Fatalf("the start is not in the log:\n%s", logged.String())
	}
	address := strings.TrimPrefix(url, "nats://")
	for field, want := range map[string]any{
		"level":        "info",
		"logger":       "segment_pixel_nats",
		"address":      address,
		"store_dir":    store,
		"watch_events": "go run ./examples/consumer -server nats://" + address,
	} {
		if entry[field] != want {
			t.Errorf("logged %s = %v, want %v", field, entry[field], want)
		}
	}
	info, err := os.Stat(store)
	if err != nil {
		t.Fatal(err)
	}
	// Windows has no such permissions.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the store directory is open to others: %v", info.Mode())
	}
}

func TestStartIsQuiet(t *testing.T) {
	mustLoad(t, app(t.TempDir()))
	for _, line := range strings.Split(logged.String(), "\n") {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil || entry["logger"] != "segment_pixel_nats" {
			continue
		}
		if entry["level"] != "debug" && entry["msg"] != "embedded NATS server is running" {
			t.Errorf("unexpected log entry above debug: %s", line)
		}
	}
	if logged.entry("Server is ready") == nil {
		t.Error("the notices of nats-server are not in the debug log")
	}
}

func TestMessagesSurviveRestart(t *testing.T) {
	store := t.TempDir()
	nc := client(t, mustLoad(t, app(store)))
	publish(t, nc, "before")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}

	nc = client(t, mustLoad(t, app(store, "max_storage", 1<<30)))
	publish(t, nc, "after")
	if got, want := stored(t, nc), []string{"before", "after"}; !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestProvisionTouchesNothing(t *testing.T) {
	// The port is taken and the directory does not exist: neither may matter
	// to `caddy validate`.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	store := filepath.Join(t.TempDir(), "store")

	if err := validate(t, app(store, "listen", ln.Addr().String())); err != nil {
		t.Fatalf("validating: %v", err)
	}
	if _, err := os.Stat(store); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the store directory exists after validating: %v", err)
	}
}

func TestValidateLeavesRunningServerWhole(t *testing.T) {
	store := t.TempDir()
	nc := client(t, mustLoad(t, app(store)))
	for _, apps := range []map[string]any{app(store), app(store, "max_memory", 1)} {
		if err := validate(t, apps); err != nil {
			t.Fatalf("validating: %v", err)
		}
	}
	publish(t, nc, "still here")
}

func TestUnusableValues(t *testing.T) {
	for name, test := range map[string]struct {
		option string
		value  any
		want   string
	}{
		"listen without port":   {"listen", "127.0.0.1", "write host:port"},
		"listen with bad port":  {"listen", "127.0.0.1:70000", "write host:port"},
		"listen unset variable": {"listen", "{env.SEGMENT_PIXEL_TEST_UNSET}", "resolving listen"},
		"store unset variable":  {"store_dir", "{env.SEGMENT_PIXEL_TEST_UNSET}", "resolving store_dir"},
		"token unset variable":  {"token", "{env.SEGMENT_PIXEL_TEST_UNSET}", "resolving token"},
		"negative memory":       {"max_memory", -1, "max_memory is negative"},
		"negative storage":      {"max_storage", -1, "max_storage is negative"},
		"negative payload":      {"max_payload", -1, "max_payload is out of range"},
		"enormous payload":      {"max_payload", 64<<20 + 1, "max_payload is out of range"},
		"unknown option":        {"max_disk", 1, "max_disk"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, app(t.TempDir(), test.option, test.value))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestClientURLIsReachable(t *testing.T) {
	url := mustLoad(t, app(t.TempDir(), "listen", ":0", "token", "secret"))
	if !strings.HasPrefix(url, "nats://127.0.0.1:") {
		t.Errorf("the client URL of a server on all interfaces is %s", url)
	}
	publish(t, client(t, url, nats.Token("secret")), "reached")

	stopped := new(natsserver.App)
	if got := stopped.ClientURL() + stopped.WatchCommand(); got != "" {
		t.Errorf("an app that is not started has a client URL or a command: %s", got)
	}
}

func TestLargestPayload(t *testing.T) {
	nc := client(t, mustLoad(t, app(t.TempDir(), "max_payload", 64<<20)))
	if got := nc.MaxPayload(); got != 64<<20 {
		t.Errorf("the server accepts payloads of %d bytes, want %d", got, 64<<20)
	}
}

func TestTokenIsEnforced(t *testing.T) {
	const token = "correct-horse-battery"
	t.Setenv("SEGMENT_PIXEL_TEST_TOKEN", token)
	url := mustLoad(t, app(t.TempDir(), "token", "{env.SEGMENT_PIXEL_TEST_TOKEN}"))

	for name, opts := range map[string][]nats.Option{
		"no token":    nil,
		"wrong token": {nats.Token("wrong-" + token)},
	} {
		if nc, err := nats.Connect(url, append(opts, nats.NoReconnect())...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: got error %v, want %v", name, err, nats.ErrAuthorization)
			nc.Close()
		}
	}
	publish(t, client(t, url, nats.Token(token)), "authorized")

	if entry := logged.entry("authentication error"); entry == nil || entry["level"] != "error" {
		t.Errorf("refused clients are not in the log as errors: %v", entry)
	}
	if entry := logged.entry("is running"); !strings.HasSuffix(entry["watch_events"].(string), " -token <token>") {
		t.Errorf("the hint to watch events leaves the token out: %v", entry["watch_events"])
	}
	// The same options with another token: refused, and without showing it.
	if err := caddy.Load(config(t, app(t.TempDir(), "token", "other-secret")), true); err == nil ||
		strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "other-secret") {
		t.Errorf("changing the token: got error %v, want one without the tokens", err)
	}
	if log := logged.String(); strings.Contains(log, token) || strings.Contains(log, "other-secret") {
		t.Errorf("a token is in the log:\n%s", log)
	}
}

func TestOpenListenerIsAWarning(t *testing.T) {
	const warning = "listens beyond this machine without a token"
	for name, test := range map[string]struct {
		listen, token string
		warns         bool
	}{
		"loopback IPv4":  {"127.0.0.1:0", "", false},
		"loopback IPv6":  {"[::1]:0", "", false},
		"localhost":      {"localhost:0", "", false},
		"all interfaces": {":0", "", true},
		"any IPv4":       {"0.0.0.0:0", "", true},
		"a name":         {"nats.example.com:0", "", true},
		"with a token":   {"0.0.0.0:0", "secret", false},
	} {
		t.Run(name, func(t *testing.T) {
			logged.reset()
			if err := validate(t, app(t.TempDir(), "listen", test.listen, "token", test.token)); err != nil {
				t.Fatal(err)
			}
			entry := logged.entry(warning)
			if got := entry != nil && entry["level"] == "warn"; got != test.warns {
				t.Errorf("warned: %v, want %v\n%s", got, test.warns, logged.String())
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	store := filepath.Join(t.TempDir(), "store")

	err = load(t, app(store, "listen", ln.Addr().String()))
	if err == nil || !strings.Contains(err.Error(), ln.Addr().String()) || !strings.Contains(err.Error(), "set listen to a free address") {
		t.Errorf("got error %v, want one that names the address and the way out", err)
	}
	// Another server that has the port may have the directory, too.
	if _, err := os.Stat(store); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the store directory exists though the port is taken: %v", err)
	}
	// The failure is not remembered.
	mustLoad(t, app(store))
}

func TestStoreDirUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	blocked := t.TempDir()
	if err := os.WriteFile(filepath.Join(blocked, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]string{
		"below a file":           filepath.Join(file, "store"),
		"refused by nats-server": blocked,
	} {
		t.Run(name, func(t *testing.T) {
			err := load(t, app(store))
			if err == nil || !strings.Contains(err.Error(), "store_dir") || !strings.Contains(err.Error(), store) {
				t.Errorf("got error %v, want one that names store_dir and %s", err, store)
			}
		})
	}
}

// validate does what `caddy validate` does.
func validate(t *testing.T, apps map[string]any) error {
	t.Helper()
	var cfg caddy.Config
	if err := json.Unmarshal(config(t, apps), &cfg); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&cfg)
}
