// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/replay"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestReplayAfterAFix goes all the way: a site whose write key is missing, the fix,
// and the replay, twice.
func TestReplayAfterAFix(t *testing.T) {
	s, b := pixeltest.NewSite(t), pixeltest.StartNATS(t, -1)
	b.CreateStream()
	b.KeepRejected()
	body := func(keys string) string {
		return "segment_pixel {\n" + keys + "\nsink jetstream " + b.Server.ClientURL() + "\n}"
	}
	s.Run(body("write_key OTHER other"))
	warm := b.WarmUp(s)

	before := time.Now()
	s.Get("/v1/pixel/track?writeKey=KEY&userId=u1&event=Email+Opened&properties.subject=a%20b")
	s.Get("/v1/pixel/identify?" + pixeltest.Data(`{"writeKey":"KEY","userId":"u2","messageId":"mine","timestamp":"2026-01-02T03:04:05Z"}`))
	b.AwaitRejected(warm + 2)
	after := time.Now()

	file := s.JSONFile(s.Config(body("write_key OTHER other\nwrite_key KEY web")))
	s.Load(s.Config(body("write_key OTHER other\nwrite_key KEY web")))
	arguments := []string{"--config", file, "--to", s.URL, "--from-seq", fmt.Sprint(warm + 1)}
	pixeltest.Execute(t, replay.New(), append(arguments, "--dry-run")...).Want(0, "2 would be sent")
	for range 2 {
		pixeltest.Execute(t, replay.New(), arguments...).Want(0,
			"stream SEGMENT_REJECTED: 2 of 2 rejected requests read\n2 answered by "+s.URL+"/v1/pixel/\n", "--address has Caddy asked first")
	}

	// What is sent afterwards comes after all that was replayed.
	s.Get("/v1/pixel/track?writeKey=OTHER&userId=u&event=end&messageId=end")
	var events []map[string]any
	pixeltest.Eventually(t, "the last event is stored", func() bool {
		events = nil
		for _, msg := range b.Stored() {
			events = append(events, pixeltest.Parse(t, msg.Data))
		}
		return len(events) > 0 && events[len(events)-1]["event"] == "end"
	})
	if len(events) != 3 {
		t.Fatalf("the stream has %d events, want each once: %v", len(events), events)
	}
	opened := events[0]
	at, err := time.Parse(time.RFC3339, opened["timestamp"].(string))
	if err != nil || at.Before(before.Truncate(time.Millisecond)) || at.After(after) {
		t.Errorf("the time is %v, want one from %v to %v", opened["timestamp"], before, after)
	}
	if id := opened["messageId"].(string); !strings.HasPrefix(id, fmt.Sprintf("replay-SEGMENT_REJECTED-%d-", warm+1)) {
		t.Errorf("the message id is %s", id)
	}
	if subject := opened["properties"].(map[string]any)["subject"]; opened["event"] != "Email Opened" || subject != "a b" {
		t.Errorf("the event is %v", opened)
	}
	if agent, found := opened["context"].(map[string]any)["userAgent"]; found {
		t.Errorf("the user agent %v is that of the replay", agent)
	}
	if mine := events[1]; mine["messageId"] != "mine" || mine["timestamp"] != "2026-01-02T03:04:05.000Z" {
		t.Errorf("the event is %v", mine)
	}
}

// pixels collects what a site is asked for, in place of a Caddy.
func pixels(t *testing.T, answer http.HandlerFunc) (target string, requests <-chan *url.URL) {
	t.Helper()
	asked := make(chan *url.URL, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "image/gif")
		_, _ = w.Write([]byte(pixel.GIF))
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

// replayFile is a configuration for the rejected requests of a broker.
func replayFile(t *testing.T, b *pixeltest.Broker, more string) string {
	t.Helper()
	return pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nwrite_key DOCS docs\n"+more+
		"\nsink nats "+b.Server.ClientURL()+"\n}")
}

func TestReplayTellsWhatItDoesNotSend(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	good := "writeKey=KEY&userId=u&event=e"
	b.Reject("unknown_write_key", "track", "", good)
	b.Reject("unknown_write_key", "track", "", "writeKey=NONE&userId=u&event=e")
	b.Reject("no_identity", "track", "web", "writeKey=KEY&event=e")
	b.Reject("no_identity", "track", "web", "writeKey=KEY&event=e2")
	b.Reject("unknown_route", "", "", good)
	b.Reject("method", "track", "", good)
	b.Reject("too_large", "track", "", good+"&x="+strings.Repeat("x", pixel.MaxRejectedQuery-len(good)-3))
	b.Reject("gpc", "track", "web", "")
	b.Reject("no_identity", "track", "web", "")
	b.Reject("undeliverable", "track", "web", `{"event":"e"}`)
	b.Reject("no_data", "track", "", "")
	target, asked := pixels(t, nil)

	pixeltest.Execute(t, replay.New(), "--config", replayFile(t, b, ""), "--to", target).Want(4,
		"11 of 11 rejected requests read",
		"1 answered by "+target+"/v1/pixel/\n",
		"6 are still rejected: method 1, no_data 1, no_identity 2, unknown_route 1, unknown_write_key 1\n",
		"1 were longer than 8 KiB",
		"3 skipped: gpc 1, opted out 1, undeliverable 1\n",
		"undeliverable.ndjson",
	)
	if n := len(asked); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestReplayCanBeInterrupted(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	for _, name := range []string{"1", "2", "3"} {
		b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event="+name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	target, asked := pixels(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.RawQuery, "event=2") {
			cancel()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "image/gif")
	})
	file := replayFile(t, b, "")
	pixeltest.ExecuteContext(ctx, t, replay.New(), "--config", file, "--to", target).
		Want(1, "the replay was interrupted", "1 of 3 rejected requests read", "to go on: --from-seq 2\n")
	if len(asked) != 2 {
		t.Errorf("%d requests", len(asked))
	}
	target, asked = pixels(t, nil)
	pixeltest.Execute(t, replay.New(), "--config", file, "--to", target, "--from-seq", "2").Want(0, "2 answered")
	if len(asked) != 2 {
		t.Errorf("%d requests", len(asked))
	}
}

func TestReplayCannotRun(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	file := replayFile(t, b, "")
	nobody := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nsink nats nats://alice:s3cret@127.0.0.1:1\n}")
	off := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nsink nats {\nrejected off\n}\n}")
	noKeys := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_keys /nowhere/keys\nsink nats "+b.Server.ClientURL()+"\n}")
	two := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nsink nats "+b.Server.ClientURL()+"\nsink log\nsink nats "+b.Server.ClientURL()+" {\nrejected other\n}\n}")
	const to = "https://example.com"
	for _, test := range []struct {
		name  string
		args  []string
		words string
	}{
		{"no target", []string{"--config", file}, "--to must be the URL"},
		{"no URL", []string{"--config", file, "--to", "example.com"}, "--to must be the URL"},
		{"no configuration", []string{"--config", "/nowhere", "--to", to}, "no such file"},
		{"no such reason", []string{"--config", file, "--to", to, "--reason", "bad"}, "--reason bad is none: write method, unknown_route"},
		{"no time", []string{"--config", file, "--to", to, "--since", "monday"}, "--since monday is no time"},
		{"two beginnings", []string{"--config", file, "--to", to, "--since", "1h", "--from-seq", "3"}, "remove one of them"},
		{"no stream", []string{"--config", file, "--to", to}, "nats stream add SEGMENT_REJECTED --subjects 'segment.rejected.>'"},
		{"no stream of that name", []string{"--config", file, "--to", to, "--stream", "NONE"}, "there is no stream NONE"},
		{"no NATS", []string{"--config", nobody, "--to", to}, "it cannot be reached"},
		{"no rejected requests", []string{"--config", off, "--to", to}, "no sink of the configuration publishes rejected requests"},
		{"no key file", []string{"--config", noKeys, "--to", to}, "/nowhere/keys"},
		{"several sinks", []string{"--config", two, "--to", to}, "choose one with --sink; 1 is nats of handler 1"},
		{"no such sink", []string{"--config", two, "--to", to, "--sink", "3"}, "--sink 3 is none"},
		{"the stream of another sink", []string{"--config", two, "--to", to, "--sink", "2"}, "no stream keeps other.*"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := pixeltest.Execute(t, replay.New(), test.args...)
			e.Want(1, test.words)
			if strings.Contains(e.Err.Error(), "s3cret") {
				t.Errorf("the error holds a secret: %v", e.Err)
			}
		})
	}
}

// TestReplayOfWhatIsMissing takes no other sink in place of the one that is not there.
func TestReplayOfWhatIsMissing(t *testing.T) {
	config := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key k\nsink jetstream {\ntoken {env.PIXEL_TEST_UNSET}\n}\nsink jetstream {\nspool "+t.TempDir()+"\n}\n}")
	aside := filepath.Join(t.TempDir(), "undeliverable.ndjson")
	if err := os.WriteFile(aside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--stream", "REJECTED", "--to", "http://localhost"}, {"--undeliverable", aside}} {
		got := pixeltest.Execute(t, replay.New(), append(args, "--config", config)...)
		if got.Err == nil || !strings.Contains(got.Err.Error(), "sink jetstream cannot be had here") {
			t.Errorf("%q ends with %v", args, got.Err)
		}
	}
}
