// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestSinksDoNotWaitForEachOther has one sink that blocks in front of one that
// does not.
func TestSinksDoNotWaitForEachOther(t *testing.T) {
	s := pixeltest.NewSite(t)
	published, unblock := make(chan struct{}), make(chan struct{})
	pixeltest.Hook(t, func(context.Context, *pixel.Event) error {
		<-unblock
		return nil
	})
	pixeltest.Hooks.Store("second", func(context.Context, *pixel.Event) error {
		close(published)
		return nil
	})
	defer pixeltest.Hooks.Delete("second")
	s.Run(`segment_pixel {
		write_key k web
		sink hook ` + t.Name() + `
		sink hook second
	}`)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
	}()
	pixeltest.Receive(t, published)
	select {
	case <-answered:
		t.Error("answered before every sink had the event")
	default:
	}
	close(unblock)
	pixeltest.Receive(t, answered)
}

// TestFailingSink looks at what clients and operators see of a sink that fails,
// and of one that panics.
func TestFailingSink(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return fmt.Errorf("out of paper") },
		"panic": func() error { panic("SECRET") },
	} {
		t.Run(name, func(t *testing.T) {
			s := pixeltest.NewSite(t)
			pixeltest.Hook(t, func(context.Context, *pixel.Event) error { return fail() })
			s.Run(`segment_pixel {
				write_key k web
				sink hook ` + t.Name() + `
				sink writer file DIR/events
			}
			log
			log_append outcome {http.segment_pixel.outcome}`)
			for range 3 {
				s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
			}
			if n := len(s.Lines("events")); n != 3 {
				t.Errorf("the other sink got %d events, want 3", n)
			}
			lines := s.Logged("the sink does not take events")
			if len(lines) != 1 || lines[0]["level"] != "error" || lines[0]["sink"] != "hook" {
				t.Errorf("logged %v", lines)
			}
			for _, line := range s.Logged("handled request") {
				if line["outcome"] != "dropped" {
					t.Errorf("the access log says %v", line["outcome"])
				}
			}
			if text, err := os.ReadFile(filepath.Join(s.Dir, "caddy.log")); err != nil || strings.Contains(string(text), "SECRET") {
				t.Errorf("the log repeats what a sink panicked with, or cannot be read: %v", err)
			}
		})
	}
}

// TestClientHangsUp cuts the connection while the sink is at work: the event is
// published all the same.
func TestClientHangsUp(t *testing.T) {
	s := pixeltest.NewSite(t)
	began, gone, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	pixeltest.Hook(t, func(ctx context.Context, _ *pixel.Event) error {
		close(began)
		<-gone
		result <- ctx.Err()
		return nil
	})
	s.Run(`segment_pixel {
		write_key k web
		sink hook ` + t.Name() + `
	}`)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/pixel/page?"+pixeltest.Data(pixeltest.Page), http.NoBody)
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
	pixeltest.Receive(t, began)
	cancel()
	pixeltest.Receive(t, hungUp)
	close(gone)
	if err := pixeltest.Receive(t, result); err != nil {
		t.Errorf("the event's context ended with the request: %v", err)
	}
}

const toStream = `segment_pixel {
	write_key k web
	sink jetstream %s
}
respond "version %d"`

// TestReloadsUnderLoad reloads ten times while pixels come in, each time with a
// changed site, and in between with configurations that fail.
func TestReloadsUnderLoad(t *testing.T) {
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	url := b.Server.ClientURL()
	s.Run(fmt.Sprintf(toStream, url, 0))
	connections := b.TotalConnections()
	l := s.StartLoad(8)
	for version := 1; version <= 10; version++ {
		l.Await(50)
		s.Run(fmt.Sprintf(toStream, url, version))
		pixeltest.Eventually(t, "the new version answers", func() bool { return s.Says("version " + strconv.Itoa(version)) })
		l.Await(50)
		for _, broken := range []string{
			// This one fails when it is provisioned, and that one when it is started.
			fmt.Sprintf(toStream, url, 0) + "\nsegment_pixel {\nwrite_key {env.NOBODY_SETS_THIS} other\nsink jetstream " + url + "\n}",
			fmt.Sprintf(toStream, url, 0) + "\nsegment_pixel {\nwrite_keys DIR/missing\nsink jetstream " + url + "\n}",
		} {
			if err := caddy.Load(s.Config(broken), true); err == nil {
				t.Fatal("a broken configuration was loaded")
			}
		}
	}
	l.Await(50)
	l.Check(b)
	// All ten configurations have shared one connection; the test has its own.
	if n := b.Server.NumClients(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	if more := b.TotalConnections() - connections; more != 0 {
		t.Errorf("%d more connections were opened", more)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	pixeltest.Eventually(t, "the connection is closed", func() bool { return b.Server.NumClients() == 1 })
}

// TestReloadToAnotherServer moves a site to another NATS while pixels come in.
// What is under way is published to the old one.
func TestReloadToAnotherServer(t *testing.T) {
	s := pixeltest.NewSite(t)
	first, second := pixeltest.StartNATS(t, -1), pixeltest.StartNATS(t, -1)
	first.CreateStream()
	second.CreateStream()
	s.Run(fmt.Sprintf(toStream, first.Server.ClientURL(), 1))
	l := s.StartLoad(8)
	l.Await(200)
	s.Run(fmt.Sprintf(toStream, second.Server.ClientURL(), 2))
	l.Await(200)
	l.End()
	pixeltest.Eventually(t, "all events are stored", func() bool {
		return int64(len(first.Stored())+len(second.Stored())) >= l.Count.Load()
	})
	stored := make(map[string]int)
	for _, msg := range append(first.Stored(), second.Stored()...) {
		stored[pixeltest.Parse(t, msg.Data)["messageId"].(string)]++
	}
	l.Answered.Range(func(id, _ any) bool {
		if stored[id.(string)] != 1 {
			t.Errorf("%s is stored %d times", id, stored[id.(string)])
		}
		return true
	})
	pixeltest.Eventually(t, "the old connection is closed", func() bool { return first.Server.NumClients() == 1 })
}

// TestNATSDownAtStart starts Caddy first. The events wait for NATS.
func TestNATSDownAtStart(t *testing.T) {
	s := pixeltest.NewSite(t)
	port := pixeltest.FreePort(t)
	s.Run(toMissing(port, ""))
	for range 3 {
		s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
	}
	pixeltest.Eventually(t, "the log says that NATS is away", func() bool { return len(s.Logged("cannot connect to NATS yet")) == 1 })
	pixeltest.Eventually(t, "the log says that events wait", func() bool { return len(s.Logged("events wait in the spool")) == 1 })
	b := pixeltest.StartNATS(t, port)
	s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
	if n := len(b.Await(4)); n != 4 {
		t.Errorf("%d events stored, want 4", n)
	}
	pixeltest.Eventually(t, "the log says that they are delivered", func() bool { return len(s.Logged("events are delivered again")) == 1 })
	if lines := s.Logged("the sink does not take events"); len(lines) != 0 {
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
	s := pixeltest.NewSite(t)
	port := pixeltest.FreePort(t)
	s.Run(toMissing(port, "spool off\nack_timeout 50ms"))
	for range 3 {
		s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
	}
	lines := s.Logged("the sink does not take events")
	if len(lines) != 1 || !strings.Contains(lines[0]["error"].(string), "NATS is not connected") {
		t.Errorf("logged %v", lines)
	}

	b := pixeltest.StartNATS(t, port)
	pixeltest.Eventually(t, "the stream is created", func() bool {
		_, err := b.Js.Stream(t.Context(), "SEGMENT")
		return err == nil
	})
	s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
	if n := len(b.Stored()); n != 1 {
		t.Errorf("%d events stored, want 1", n)
	}
}

// TestWriteKeysFile changes the file of keys in various ways.
func TestWriteKeysFile(t *testing.T) {
	s := pixeltest.NewSite(t)
	file := filepath.Join(s.Dir, "keys")
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
	t.Setenv("PIXEL_TEST_FOLDER", s.Dir)
	config := s.Config(`segment_pixel {
		write_keys {env.PIXEL_TEST_FOLDER}/keys
		sink writer file DIR/events
	}`)
	if err := caddy.Load(config, true); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("a missing file of keys: %v", err)
	}
	for text, message := range map[string]string{
		"a":             "line 1: write a key and a source",
		"# ok\n\na b c": "line 3: write a key and a source",
		"a b.c":         "line 1: the source must be",
		"a b\na c":      "line 2: its write key is specified twice",
	} {
		write(text)
		if err := caddy.Load(config, true); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: got %v", text, err)
		}
	}

	write("# comment\nfirst web\n\n  second\tmail \n")
	s.Load(config)
	s.Get("/v1/pixel/page?userId=u&writeKey=first")
	s.Get("/v1/pixel/page?userId=u&writeKey=second")
	s.Get("/v1/pixel/page?userId=u&writeKey=third")
	if n := len(s.Lines("events")); n != 2 {
		t.Fatalf("%d events, want 2", n)
	}

	write("third web\n")
	pixeltest.Eventually(t, "the keys are read again", func() bool { return len(s.Logged("read the write keys again")) == 1 })
	s.Get("/v1/pixel/page?userId=u&writeKey=third")
	s.Get("/v1/pixel/page?userId=u&writeKey=first")
	if n := len(s.Lines("events")); n != 3 {
		t.Errorf("%d events, want 3", n)
	}

	write("third\n")
	pixeltest.Eventually(t, "the broken file is reported", func() bool { return len(s.Logged("the old ones stay in force")) == 1 })
	s.Get("/v1/pixel/page?userId=u&writeKey=third")
	if n := len(s.Lines("events")); n != 4 {
		t.Errorf("%d events, want 4", n)
	}
}

// TestLogsHoldNoPayload sends good and bad pixels full of a marker and reads
// everything that was logged, at debug level.
func TestLogsHoldNoPayload(t *testing.T) {
	const marker = "SECRET"
	// Caddy itself logs its configuration at debug level, so the key is not in it.
	t.Setenv("PIXEL_TEST_WRITE_KEY", marker+"KEY")
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	s.Run(`segment_pixel {
		write_key {env.PIXEL_TEST_WRITE_KEY} web
		sink jetstream ` + b.Server.ClientURL() + ` {
			spool off
			ack_timeout 20ms
		}
		sink jetstream ` + b.Server.ClientURL() + ` {
			client_name other
			spool DIR/spool
		}
	}`)
	for _, query := range []string{
		pixeltest.Data(`{"writeKey":"` + marker + `KEY","userId":"` + marker + `"}`),
		pixeltest.Data(`{"writeKey":"` + marker + `","userId":"` + marker + `"}`),
		pixeltest.Data(`{"writeKey":"` + marker + `KEY","userId":{"` + marker + `":1}}`),
		"data=" + marker, "data=!" + marker, marker + "=" + marker,
		pixeltest.Data(`{"` + marker + `":1,"` + marker + `":1}`),
	} {
		s.Get("/v1/pixel/page?" + query)
		s.Do("POST", "/v1/pixel/page?"+query)
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Rejected()) == 0 || len(s.Logged("the sink does not take events")) != 1 {
		t.Errorf("not all has been logged that should be: %s", text)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, marker) || strings.Contains(line, "U0VDUkVU") {
			t.Errorf("the log holds the payload: %s", line)
		}
	}
}
