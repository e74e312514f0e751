// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/replay"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestReplayKeepsTheTimeOfAnEvent compares what each query would have been with what
// it becomes when it is sent days later.
func TestReplayKeepsTheTimeOfAnEvent(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	const object = `{"writeKey":"KEY","userId":"u","event":"e"`
	queries := map[string]string{
		"nothing":                     "writeKey=KEY&userId=u&event=e",
		"nothing in data":             pixeltest.Data(object + `}`),
		"timestamp":                   pixeltest.Data(object + `,"timestamp":"2026-01-02T03:04:05Z"}`),
		"originalTimestamp":           pixeltest.Data(object + `,"originalTimestamp":"2026-01-02T03:04:05Z"}`),
		"both":                        pixeltest.Data(object + `,"timestamp":"2026-01-02T03:04:05Z","originalTimestamp":"2026-01-02T03:04:00Z"}`),
		"sentAt":                      pixeltest.Data(object + `,"sentAt":"2026-01-02T03:04:05Z"}`),
		"sentAt and timestamp":        pixeltest.Data(object + `,"timestamp":"2026-01-02T03:04:05Z","sentAt":"2026-01-02T03:04:09Z"}`),
		"all three":                   pixeltest.Data(object + `,"timestamp":"2026-01-02T03:04:05Z","originalTimestamp":"2026-01-02T03:04:00Z","sentAt":"2026-01-02T03:04:09Z"}`),
		"a time that is none":         pixeltest.Data(object + `,"timestamp":"yesterday","sentAt":"today"}`),
		"parameters beside data":      pixeltest.Data(object+`}`) + "&timestamp=2026-01-02T03:04:05Z&sentAt=2026-01-02T03:04:06Z",
		"repeated parameters":         "writeKey=KEY&userId=u&event=e&timestamp=nonsense&timestamp=2026-01-02&messageId=&messageId=mine",
		"a messageId":                 pixeltest.Data(object + `,"messageId":"mine"}`),
		"a messageId as a parameter":  "writeKey=KEY&userId=u&event=e&messageId=mine",
		"a messageId of another type": pixeltest.Data(object + `,"messageId":17}`),
		"a messageId that is long":    pixeltest.Data(object + `,"messageId":"` + strings.Repeat("x", 101) + `"}`),
		"an ampersand too many":       "amp;writeKey=KEY&amp;userId=u&amp;event=e",
		"mangled data":                strings.ReplaceAll(pixeltest.Data(object+`}`), "=", "=%20") + "&cb=1",
	}
	decoder := pixel.Decoder{Source: func(string) (string, bool) { return "web", true }}
	file := replayFile(t, b, "")
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			b.Reject("unknown_write_key", "track", "", query)
			kept := b.LastRejected()
			target, asked := pixels(t, nil)
			for range 2 {
				pixeltest.Execute(t, replay.New(), "--config", file, "--to", target, "--from-seq", fmt.Sprint(kept.Sequence)).Want(0, "1 of 1")
			}
			first, second := pixeltest.Receive(t, asked), pixeltest.Receive(t, asked)
			if first.String() != second.String() {
				t.Errorf("it was sent as\n%s and then as\n%s", first, second)
			}

			then := decodeAt(t, &decoder, query, kept.Time)
			now := decodeAt(t, &decoder, first.RawQuery, kept.Time.Add(72*time.Hour))
			for _, field := range []string{"timestamp", "originalTimestamp"} {
				if now[field] != then[field] {
					t.Errorf("%s becomes %v, and was %v\n%s", field, now[field], then[field], first.RawQuery)
				}
			}
			id := now["messageId"].(string)
			if own := strings.HasPrefix(id, "replay-SEGMENT_REJECTED-"); own == (then["messageId"] == "mine") || !own && id != "mine" {
				t.Errorf("the message id becomes %s, and was %v", id, then["messageId"])
			}
			for _, field := range []string{"event", "userId", "type"} {
				if now[field] != then[field] {
					t.Errorf("%s becomes %v, and was %v", field, now[field], then[field])
				}
			}
		})
	}
}

func decodeAt(t *testing.T, decoder *pixel.Decoder, query string, received time.Time) map[string]any {
	t.Helper()
	event, rejection := decoder.Decode(pixel.Track, query, &pixel.Facts{Received: received})
	if rejection != nil {
		t.Fatalf("rejected: %s, %s", rejection.Reason, rejection.Detail)
	}
	defer event.Release()
	return pixeltest.Parse(t, event.Body)
}

func TestReplaySendsNothingThatWouldBeAnotherEvent(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event=e")
	target, asked := pixels(t, nil)
	pixeltest.Execute(t, replay.New(), "--config", replayFile(t, b, "ignore_params timestamp"), "--to", target).
		Want(4, "0 answered", "1 would lose their time")
	if len(asked) > 0 {
		t.Errorf("sent: %s", <-asked)
	}
}

func TestReplayTakesWhatIsAskedFor(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	for _, name := range []string{"1", "2", "3", "4"} {
		key, source := "KEY", "web"
		if name == "2" {
			key, source = "DOCS", "docs"
		}
		reason := "bad_type"
		if name == "3" {
			reason, source = "unknown_write_key", ""
		}
		b.Reject(reason, "track", source, "writeKey="+key+"&userId=u&event="+name)
	}
	middle := b.LastRejected().Time
	b.Reject("bad_type", "group", "web", "writeKey=KEY&userId=u&groupId=5&event=5")
	file := replayFile(t, b, "path_prefix /p")
	for _, test := range []struct {
		name  string
		args  []string
		want  string // the events
		words string
	}{
		{"everything", nil, "1 2 3 4 5", "5 of 5"},
		{"a source", []string{"--source", "web"}, "1 3 4 5", "1 belong to another source"},
		{"a reason", []string{"--reason", "unknown_write_key"}, "3", "1 of 1"},
		{"reasons", []string{"--reason", "unknown_write_key", "--reason", "no_data"}, "3", "1 of 1"},
		{"a beginning", []string{"--from-seq", "4"}, "4 5", "2 of 2"},
		{"a time", []string{"--since", middle.Add(time.Nanosecond).Format(time.RFC3339Nano)}, "5", "1 of 1"},
		{"a duration", []string{"--since", "1d"}, "1 2 3 4 5", "5 of 5"},
		{"a limit", []string{"--limit", "2"}, "1 2", "to go on: --from-seq 3\n"},
		{"a stream", []string{"--stream", "SEGMENT_REJECTED", "--from-seq", "5"}, "5", "1 of 1"},
		{"no sending", []string{"--dry-run"}, "", "5 would be sent"},
		{"nothing", []string{"--from-seq", "6"}, "", "0 of 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target, asked := pixels(t, nil)
			pixeltest.Execute(t, replay.New(), append([]string{"--config", file, "--to", target}, test.args...)...).
				Want(0, test.words)
			var sent []string
			for len(asked) > 0 {
				u := <-asked
				name := u.Query().Get("event")
				sent = append(sent, name)
				if want := map[bool]string{true: "/p/group", false: "/p/track"}[name == "5"]; u.Path != want {
					t.Errorf("sent to %s, want %s", u.Path, want)
				}
			}
			if got := strings.Join(sent, " "); got != test.want {
				t.Errorf("sent %q, want %q", got, test.want)
			}
		})
	}
}

func TestReplayStopsWhereNoPixelIs(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event=s3cret")
	for name, answer := range map[string]http.HandlerFunc{
		"not found":     http.NotFound,
		"a page":        func(http.ResponseWriter, *http.Request) {},
		"another place": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			target, asked := pixels(t, answer)
			e := pixeltest.Execute(t, replay.New(), "--config", replayFile(t, b, ""), "--to", target, "--path-prefix", "/x/y")
			e.Want(1, "sending the message 1 of the stream", "check --to and --path-prefix", "to go on: --from-seq 1\n")
			if strings.Contains(e.Err.Error(), "s3cret") {
				t.Errorf("the error holds the payload: %v", e.Err)
			}
			if u := pixeltest.Receive(t, asked); u.Path != "/x/y/track" || len(asked) > 0 {
				t.Errorf("asked for %s, and %d more", u.Path, len(asked))
			}
		})
	}
}

func TestReplayTriesAgain(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event=e")
	tries := 0
	target, asked := pixels(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "image/gif")
	})
	pixeltest.Execute(t, replay.New(), "--config", replayFile(t, b, ""), "--to", target+"/sub/").Want(0, "1 answered by "+target+"/sub/v1/pixel/\n")
	if first, second := pixeltest.Receive(t, asked), pixeltest.Receive(t, asked); first.String() != second.String() || first.Path != "/sub/v1/pixel/track" {
		t.Errorf("asked for %s and %s", first, second)
	}
}

// A name that is not in the configuration leads to all of its handlers.
func TestReplayDecodesWithTheHandlersOfTheSite(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=A&userId=u&event=e")
	sink := "sink nats " + b.Server.ClientURL()
	config := pixeltest.NewSite(t).Adapt(`GLOBAL{}GLOBAL
	http://a.test, http://*.a.test {
		segment_pixel {
			write_key A a
			` + sink + `
		}
	}
	http://b.test {
		segment_pixel {
			write_key B b
			` + sink + `
		}
	}`)
	file := filepath.Join(t.TempDir(), "caddy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	for host, words := range map[string]string{
		"http://a.test":      "1 would be sent",
		"http://WWW.a.test":  "1 would be sent",
		"http://b.test:8080": "1 are still rejected: unknown_write_key 1",
		"http://10.0.0.1":    "1 would be sent",
	} {
		e := pixeltest.Execute(t, replay.New(), "--config", file, "--to", host, "--dry-run")
		e.Want(map[bool]int{true: 4, false: 0}[strings.Contains(words, "still")], words)
	}
	pixeltest.Execute(t, replay.New(), "--config", file, "--to", "http://a.test", "--dry-run", "--json").
		Want(0, `"stream":"SEGMENT_REJECTED","read":1`, `"sent":1,"dry_run":true`)
}
