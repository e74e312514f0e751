// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

func init() {
	caddy.RegisterModule(new(hookSink))
}

// hookSink is a sink that does what a test tells it.
type hookSink struct {
	Hook string `json:"hook,omitempty"`
}

var hooks sync.Map // by name, func(context.Context, *pixel.Event) error

func (*hookSink) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: sinks.Namespace + ".hook", New: func() caddy.Module { return new(hookSink) }}
}

func (s *hookSink) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&s.Hook)
	return nil
}

func (s *hookSink) Publish(ctx context.Context, event *pixel.Event) error {
	hook, _ := hooks.Load(s.Hook)
	return hook.(func(context.Context, *pixel.Event) error)(ctx, event)
}

func hook(t *testing.T, publish func(context.Context, *pixel.Event) error) {
	t.Helper()
	hooks.Store(t.Name(), publish)
	t.Cleanup(func() { hooks.Delete(t.Name()) })
}

// TestSinksDoNotWaitForEachOther has one sink that blocks in front of one that
// does not.
func TestSinksDoNotWaitForEachOther(t *testing.T) {
	s := newSite(t)
	published, unblock := make(chan struct{}), make(chan struct{})
	hook(t, func(context.Context, *pixel.Event) error {
		<-unblock
		return nil
	})
	hooks.Store("second", func(context.Context, *pixel.Event) error {
		close(published)
		return nil
	})
	defer hooks.Delete("second")
	s.run(`segment_pixel {
		write_key k web
		sink hook ` + t.Name() + `
		sink hook second
	}`)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		s.get("/v1/pixel/page?" + data(page))
	}()
	receive(t, published)
	select {
	case <-answered:
		t.Error("answered before every sink had the event")
	default:
	}
	close(unblock)
	receive(t, answered)
}

// TestFailingSink looks at what clients and operators see of a sink that fails,
// and of one that panics.
func TestFailingSink(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return fmt.Errorf("out of paper") },
		"panic": func() error { panic("SECRET") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			hook(t, func(context.Context, *pixel.Event) error { return fail() })
			s.run(`segment_pixel {
				write_key k web
				sink hook ` + t.Name() + `
				sink writer file DIR/events
			}
			log
			log_append outcome {http.segment_pixel.outcome}`)
			for range 3 {
				s.get("/v1/pixel/page?" + data(page))
			}
			if n := len(s.lines("events")); n != 3 {
				t.Errorf("the other sink got %d events, want 3", n)
			}
			lines := s.logged("the sink does not take events")
			if len(lines) != 1 || lines[0]["level"] != "error" || lines[0]["sink"] != "hook" {
				t.Errorf("logged %v", lines)
			}
			for _, line := range s.logged("handled request") {
				if line["outcome"] != "dropped" {
					t.Errorf("the access log says %v", line["outcome"])
				}
			}
			if text, err := os.ReadFile(filepath.Join(s.dir, "caddy.log")); err != nil || strings.Contains(string(text), "SECRET") {
				t.Errorf("the log repeats what a sink panicked with, or cannot be read: %v", err)
			}
		})
	}
}

// TestClientHangsUp cuts the connection while the sink is at work: the event is
// published all the same.
func TestClientHangsUp(t *testing.T) {
	s := newSite(t)
	began, gone, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	hook(t, func(ctx context.Context, _ *pixel.Event) error {
		close(began)
		<-gone
		result <- ctx.Err()
		return nil
	})
	s.run(`segment_pixel {
		write_key k web
		sink hook ` + t.Name() + `
	}`)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/pixel/page?"+data(page), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	receive(t, began)
	cancel()
	receive(t, hungUp)
	close(gone)
	if err := receive(t, result); err != nil {
		t.Errorf("the event's context ended with the request: %v", err)
	}
}

// load sends numbered pixels from several connections until it is stopped, and
// counts those that were answered.
type load struct {
	site     *site
	answered sync.Map
	count    atomic.Int64
	stop     chan struct{}
	once     sync.Once
	done     sync.WaitGroup
}

func (s *site) startLoad(connections int) *load {
	l := &load{site: s, stop: make(chan struct{})}
	for c := range connections {
		l.done.Go(func() { l.send(c) })
	}
	s.t.Cleanup(l.end)
	return l
}

func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

func (l *load) send(connection int) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		id := fmt.Sprintf("%d-%d", connection, n)
		response, err := client.Get(l.site.url + "/v1/pixel/page?" + data(`{"writeKey":"k","userId":"u","messageId":"`+id+`"}`))
		if err != nil {
			// A server that shuts down closes idle connections; the client may send
			// into that. Nothing was answered, so nothing was promised.
			continue
		}
		if response.Body.Close() == nil && response.StatusCode == http.StatusOK {
			l.answered.Store(id, true)
			l.count.Add(1)
		}
	}
}

// await waits until so many more pixels have been answered.
func (l *load) await(more int64) {
	target := l.count.Load() + more
	eventually(l.site.t, "more answers", func() bool { return l.count.Load() >= target })
}

// check stops the load and compares what was answered with what is stored.
func (l *load) check(b *broker) {
	l.site.t.Helper()
	l.end()
	stored := make(map[string]int)
	for _, msg := range b.await(int(l.count.Load())) {
		stored[parse(l.site.t, msg.Data)["messageId"].(string)]++
	}
	lost, doubled, answered := 0, 0, 0
	l.answered.Range(func(id, _ any) bool {
		answered++
		switch n := stored[id.(string)]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
		return true
	})
	l.site.t.Logf("answered %d, stored %d, lost %d, doubled %d", answered, len(stored), lost, doubled)
	if lost > 0 || doubled > 0 || answered == 0 {
		l.site.t.Errorf("answered %d, stored %d, lost %d, doubled %d", answered, len(stored), lost, doubled)
	}
}

// says tells whether the rest of the site answers with this text. A connection
// that Caddy's closing listener had not accepted yet is reset in a reload.
func (s *site) says(text string) bool {
	response, err := http.DefaultClient.Get(s.url + "/")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && string(body) == text
}

const toStream = `segment_pixel {
	write_key k web
	sink jetstream %s
}
respond "version %d"`

// TestReloadsUnderLoad reloads ten times while pixels come in, each time with a
// changed site, and in between with configurations that fail.
func TestReloadsUnderLoad(t *testing.T) {
	s := newSite(t)
	b := startNATS(t, -1)
	b.createStream()
	url := b.server.ClientURL()
	s.run(fmt.Sprintf(toStream, url, 0))
	connections := b.totalConnections()
	l := s.startLoad(8)
	for version := 1; version <= 10; version++ {
		l.await(50)
		s.run(fmt.Sprintf(toStream, url, version))
		eventually(t, "the new version answers", func() bool { return s.says("version " + strconv.Itoa(version)) })
		l.await(50)
		for _, broken := range []string{
			// This one fails when it is provisioned, and that one when it is started.
			fmt.Sprintf(toStream, url, 0) + "\nsegment_pixel {\nwrite_key {env.NOBODY_SETS_THIS} other\nsink jetstream " + url + "\n}",
			fmt.Sprintf(toStream, url, 0) + "\nsegment_pixel {\nwrite_keys DIR/missing\nsink jetstream " + url + "\n}",
		} {
			if err := caddy.Load(s.config(broken), true); err == nil {
				t.Fatal("a broken configuration was loaded")
			}
		}
	}
	l.await(50)
	l.check(b)
	// All ten configurations have shared one connection; the test has its own.
	if n := b.server.NumClients(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	if more := b.totalConnections() - connections; more != 0 {
		t.Errorf("%d more connections were opened", more)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is closed", func() bool { return b.server.NumClients() == 1 })
}

// TestReloadToAnotherServer moves a site to another NATS while pixels come in.
// What is under way is published to the old one.
func TestReloadToAnotherServer(t *testing.T) {
	s := newSite(t)
	first, second := startNATS(t, -1), startNATS(t, -1)
	first.createStream()
	second.createStream()
	s.run(fmt.Sprintf(toStream, first.server.ClientURL(), 1))
	l := s.startLoad(8)
	l.await(200)
	s.run(fmt.Sprintf(toStream, second.server.ClientURL(), 2))
	l.await(200)
	l.end()
	eventually(t, "all events are stored", func() bool {
		return int64(len(first.stored())+len(second.stored())) >= l.count.Load()
	})
	stored := make(map[string]int)
	for _, msg := range append(first.stored(), second.stored()...) {
		stored[parse(t, msg.Data)["messageId"].(string)]++
	}
	l.answered.Range(func(id, _ any) bool {
		if stored[id.(string)] != 1 {
			t.Errorf("%s is stored %d times", id, stored[id.(string)])
		}
		return true
	})
	eventually(t, "the old connection is closed", func() bool { return first.server.NumClients() == 1 })
}

// TestNATSDownAtStart starts Caddy first. The events wait for NATS.
func TestNATSDownAtStart(t *testing.T) {
	s := newSite(t)
	port := freePort(t)
	s.run(toMissing(port, ""))
	for range 3 {
		s.get("/v1/pixel/page?" + data(page))
	}
	eventually(t, "the log says that NATS is away", func() bool { return len(s.logged("cannot connect to NATS yet")) == 1 })
	eventually(t, "the log says that events wait", func() bool { return len(s.logged("events wait in the spool")) == 1 })
	b := startNATS(t, port)
	s.get("/v1/pixel/page?" + data(page))
	if n := len(b.await(4)); n != 4 {
		t.Errorf("%d events stored, want 4", n)
	}
	eventually(t, "the log says that they are delivered", func() bool { return len(s.logged("events are delivered again")) == 1 })
	if lines := s.logged("the sink does not take events"); len(lines) != 0 {
		t.Errorf("logged %v", lines)
	}
}

// toMissing is a site whose sink publishes to a port where there is nothing yet.
func toMissing(port int, options string) string {
	return `segment_pixel {
		write_key k web
		sink jetstream nats://127.0.0.1:` + strconv.Itoa(port) + ` {
			` + options + `
			stream SEGMENT {
				create
			}
		}
	}`
}

// TestNATSDownWithoutSpool does without the spool: an event is dropped, and counted,
// when NATS does not come back within ack_timeout.
func TestNATSDownWithoutSpool(t *testing.T) {
	s := newSite(t)
	port := freePort(t)
	s.run(toMissing(port, "spool off\nack_timeout 50ms"))
	for range 3 {
		s.get("/v1/pixel/page?" + data(page))
	}
	lines := s.logged("the sink does not take events")
	if len(lines) != 1 || !strings.Contains(lines[0]["error"].(string), "NATS is not connected") {
		t.Errorf("logged %v", lines)
	}

	b := startNATS(t, port)
	eventually(t, "the stream is created", func() bool {
		_, err := b.js.Stream(t.Context(), "SEGMENT")
		return err == nil
	})
	s.get("/v1/pixel/page?" + data(page))
	if n := len(b.stored()); n != 1 {
		t.Errorf("%d events stored, want 1", n)
	}
}

// TestWriteKeysFile changes the file of keys in various ways.
func TestWriteKeysFile(t *testing.T) {
	s := newSite(t)
	file := filepath.Join(s.dir, "keys")
	write := func(text string) {
		t.Helper()
		// Written aside and renamed, as deployment tools do.
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PIXEL_TEST_FOLDER", s.dir)
	config := s.config(`segment_pixel {
		write_keys {env.PIXEL_TEST_FOLDER}/keys
		sink writer file DIR/events
	}`)
	if err := caddy.Load(config, true); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("a missing file of keys: %v", err)
	}
	for text, message := range map[string]string{
		"a":             "line 1: write a key and a source",
		"# ok\n\na b c": "line 3: write a key and a source",
		"a b.c":         `line 1: source "b.c" must be`,
		"a b\na c":      "line 2: one write key is specified twice",
	} {
		write(text)
		if err := caddy.Load(config, true); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: got %v", text, err)
		}
	}

	write("# comment\nfirst web\n\n  second\tmail \n")
	s.load(config)
	s.get("/v1/pixel/page?userId=u&writeKey=first")
	s.get("/v1/pixel/page?userId=u&writeKey=second")
	s.get("/v1/pixel/page?userId=u&writeKey=third")
	if n := len(s.lines("events")); n != 2 {
		t.Fatalf("%d events, want 2", n)
	}

	write("third web\n")
	eventually(t, "the keys are read again", func() bool { return len(s.logged("read the write keys again")) == 1 })
	s.get("/v1/pixel/page?userId=u&writeKey=third")
	s.get("/v1/pixel/page?userId=u&writeKey=first")
	if n := len(s.lines("events")); n != 3 {
		t.Errorf("%d events, want 3", n)
	}

	write("third\n")
	eventually(t, "the broken file is reported", func() bool { return len(s.logged("the old ones stay in force")) == 1 })
	s.get("/v1/pixel/page?userId=u&writeKey=third")
	if n := len(s.lines("events")); n != 4 {
		t.Errorf("%d events, want 4", n)
	}
}

// TestLogsHoldNoPayload sends good and bad pixels full of a marker and reads
// everything that was logged, at debug level.
func TestLogsHoldNoPayload(t *testing.T) {
	const marker = "SECRET"
	// Caddy itself logs its configuration at debug level, so the key is not in it.
	t.Setenv("PIXEL_TEST_WRITE_KEY", marker+"KEY")
	s := newSite(t)
	b := startNATS(t, -1)
	s.run(`segment_pixel {
		write_key {env.PIXEL_TEST_WRITE_KEY} web
		sink jetstream ` + b.server.ClientURL() + ` {
			spool off
			ack_timeout 20ms
		}
		sink jetstream ` + b.server.ClientURL() + ` {
			client_name other
			spool DIR/spool
		}
	}`)
	for _, query := range []string{
		data(`{"writeKey":"` + marker + `KEY","userId":"` + marker + `"}`),
		data(`{"writeKey":"` + marker + `","userId":"` + marker + `"}`),
		data(`{"writeKey":"` + marker + `KEY","userId":{"` + marker + `":1}}`),
		"data=" + marker, "data=!" + marker, marker + "=" + marker,
		data(`{"` + marker + `":1,"` + marker + `":1}`),
	} {
		s.get("/v1/pixel/page?" + query)
		s.do("POST", "/v1/pixel/page?"+query)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.rejected()) == 0 || len(s.logged("the sink does not take events")) != 1 {
		t.Errorf("not all has been logged that should be: %s", text)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, marker) || strings.Contains(line, "U0VDUkVU") {
			t.Errorf("the log holds the payload: %s", line)
		}
	}
}
