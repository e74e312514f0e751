// SPDX-License-Identifier: Apache-2.0

package natsserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/logging" // the JSON encoder
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func init() {
	caddy.RegisterModule(logWriter{})
	caddy.RegisterModule(failingApp{})
}

// logged holds what Caddy has logged since the last call of load.
var logged logBuffer

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) Close() error { return nil }

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Reset()
}

// entry returns the first log entry with the message, or nil.
func (b *logBuffer) entry(message string) map[string]any {
	for _, line := range strings.Split(b.String(), "\n") {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && strings.Contains(fmt.Sprint(entry["msg"]), message) {
			return entry
		}
	}
	return nil
}

// logWriter is a Caddy log output that writes to logged.
type logWriter struct{}

func (logWriter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.writers.natsserver_test",
		New: func() caddy.Module { return new(logWriter) },
	}
}

func (logWriter) String() string                      { return "natsserver_test" }
func (logWriter) WriterKey() string                   { return "natsserver_test" }
func (logWriter) OpenWriter() (io.WriteCloser, error) { return &logged, nil }

// failingApp is an app that spoils a configuration.
type failingApp struct {
	When string `json:"when,omitempty"`
}

func (failingApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "natsserver_test_failing",
		New: func() caddy.Module { return new(failingApp) },
	}
}

func (a *failingApp) Provision(caddy.Context) error { return failWhen(a.When, "provision") }
func (a *failingApp) Validate() error               { return failWhen(a.When, "validate") }
func (a *failingApp) Start() error                  { return failWhen(a.When, "start") }
func (a *failingApp) Stop() error                   { return nil }

func failWhen(configured, now string) error {
	if configured == now {
		return fmt.Errorf("failing on purpose in %s", now)
	}
	return nil
}

// app is the JSON of the app with test defaults: any free port and a store of
// its own. Every pair of arguments overrides or adds an option.
func app(storeDir string, pairs ...any) map[string]any {
	options := map[string]any{"listen": "127.0.0.1:0", "store_dir": storeDir}
	for i := 0; i < len(pairs); i += 2 {
		options[pairs[i].(string)] = pairs[i+1]
	}
	return map[string]any{"segment_pixel_nats": options}
}

// config is a whole Caddy configuration around apps.
func config(t *testing.T, apps map[string]any) []byte {
	t.Helper()
	cfg, err := json.Marshal(map[string]any{
		"admin": map[string]any{"disabled": true, "config": map[string]any{"persist": false}},
		"logging": map[string]any{"logs": map[string]any{"default": map[string]any{
			"level":   "DEBUG",
			"writer":  map[string]any{"output": "natsserver_test"},
			"encoder": map[string]any{"format": "json"},
		}}},
		"apps": apps,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// load makes Caddy run apps, and stops Caddy at the end of the test.
func load(t *testing.T, apps map[string]any) error {
	t.Helper()
	logged.reset()
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return caddy.Load(config(t, apps), true)
}

// mustLoad is load for a configuration that has to work. It returns the URL of
// the running server.
func mustLoad(t *testing.T, apps map[string]any) string {
	t.Helper()
	if err := load(t, apps); err != nil {
		t.Fatalf("loading the configuration: %v", err)
	}
	running, err := caddy.ActiveContext().AppIfConfigured("segment_pixel_nats")
	if err != nil {
		t.Fatal(err)
	}
	url := running.(*natsserver.App).ClientURL()
	if url == "" {
		t.Fatal("the app has started and has no client URL")
	}
	return url
}

// client is a connection that never reconnects, so that it shows whether the
// server was interrupted.
func client(t *testing.T, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, append(opts, nats.NoReconnect(), nats.Timeout(natstest.Patience))...)
	if err != nil {
		t.Fatalf("connecting to %s: %v", url, err)
	}
	closeAfter(t, nc)
	return nc
}

// closeAfter closes nc and waits for its goroutines, which goleak would see.
func closeAfter(t *testing.T, nc *nats.Conn) {
	t.Helper()
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	t.Cleanup(func() {
		if nc.IsClosed() {
			return
		}
		nc.Close()
		<-closed
	})
}

// publish stores one message, creating the stream if need be.
func publish(t *testing.T, nc *nats.Conn, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), natstest.Patience)
	defer cancel()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"},
	}); err != nil {
		t.Fatalf("creating the stream: %v", err)
	}
	if _, err := js.Publish(ctx, "segment.events.web.track", []byte(data)); err != nil {
		t.Fatalf("publishing: %v", err)
	}
}

// stored returns all messages of the stream.
func stored(t *testing.T, nc *nats.Conn) []string {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, msg := range (natstest.TestClient{Conn: nc, Js: js}).StoredIn(t, "SEGMENT") {
		messages = append(messages, string(msg.Data))
	}
	return messages
}
