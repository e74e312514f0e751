// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"encoding/base64"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// consentBucket makes a bucket with these people in it.
func consentBucket(t *testing.T, b *pixeltest.Broker, keys ...string) jetstream.KeyValue {
	t.Helper()
	kv, err := b.Js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "withdrawn"})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		withdraw(t, kv, key)
	}
	return kv
}

func withdraw(t *testing.T, kv jetstream.KeyValue, key string) {
	t.Helper()
	if _, err := kv.Put(t.Context(), key, []byte(`{"since":"2026-01-02"}`)); err != nil {
		t.Fatal(err)
	}
}

func suppressing(server, sinks string) string {
	return "segment_pixel {\nwrite_key k web\nclient_ip full\nsuppress withdrawn {\nserver " + server + "\n}\n" + sinks + "\n}\n"
}

// TestSuppressedLeavesNothing sends pixels of people who have withdrawn consent, well and
// ill, and looks for them in all that the process writes, publishes and answers.
func TestSuppressedLeavesNothing(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	b.KeepRejected()
	consentBucket(t, b,
		suppress.Key(pixel.PersonUser, "hush-user"), suppress.Key(pixel.PersonUser, "4711000815"),
		suppress.Key(pixel.PersonAnonymous, "hush-anon"), suppress.Key(pixel.PersonEmail, " Hush.Mail@Example.com "))
	s := pixeltest.NewAdminSite(t)
	s.Run("", suppressing(b.Server.ClientURL(),
		"sink jetstream "+b.Server.ClientURL()+"\nsink writer file DIR/events\nsink log\nsink nats "+b.Server.ClientURL()+" {\nsubject core.{source}\n}"))
	core := b.Subscribe("core.>")
	rejected := b.Subscribe("segment.rejected.>")

	const marked = "&event=hush-event"
	suppressed := []string{
		"writeKey=k&userId=hush-user" + marked,
		"writeKey=k&userId=+hush-user+" + marked,
		"writeKey=k&userId=x&anonymousId=hush-anon" + marked,
		pixeltest.Data(`{"writeKey":"k","userId":4711000815,"event":"hush-event"}`),
		pixeltest.Data(`{"writeKey":"k","userId":"hush.mail@example.com","event":"hush-event"}`),
		pixeltest.Data(`{"writeKey":"k","userId":"x","event":"hush-event","traits":{"a":[{"b":1}],"email":"HUSH.mail@example.com"}}`),
		pixeltest.Data(`{"writeKey":"k","userId":"x","event":"hush-event","properties":{"e\u006dail":"hush.mail@example.com "}}`),
		pixeltest.Data(`{"writeKey":"k","userId":"x","event":"hush-event","context":{"ip":"1.2.3.4","traits":{"email":"hush.mail@example.com"}}}`),
		pixeltest.Data(`{"writeKey":"k","userId":"x","event":"hush-event"}`) + "&traits.email=hush.mail%40example.com",
		pixeltest.Data(`{"writeKey":"k","userId":"hush-user","event":"hush-event",}`), // mended
	}
	others := []string{ // rejected, and of such a person all the same
		"writeKey=nobody&userId=hush-user" + marked,
		"userId=hush-user" + marked,
		"writeKey=k&userId=hush-user&event=",
		pixeltest.Data(`{"writeKey":"k","userId":"hush-user","event":"hush-event","properties":1}`),
		pixeltest.Data(`{"writeKey":"k","userId":"hush-user","event":"hush-eve`),
		"data=*&userId=hush-user" + marked,
	}
	for _, query := range append(suppressed, others...) {
		s.Get("/v1/pixel/track?"+query, "User-Agent", "hush-agent", "Referer", "https://hush-referer/", "X-Hush", "x")
	}
	if response, _ := s.Do(http.MethodPost, "/v1/pixel/track?"+suppressed[0]); response.StatusCode != http.StatusOK {
		t.Error(response.Status)
	}
	s.Get("/v1/pixel/nothing?" + suppressed[0])
	s.Get("/v1/pixel/track?writeKey=k&userId=open&event=open-event")
	s.Get("/v1/pixel/track?writeKey=nobody&userId=open-rejected&event=e")
	if body := string(b.Await(1)[0].Data); !strings.Contains(body, `"open-event"`) {
		t.Errorf("stored %s", body)
	}
	if msg := pixeltest.Receive(t, core); !strings.Contains(string(msg.Data), "open-event") {
		t.Errorf("published %s", msg.Data)
	}
	if n := s.Status().Outcomes.Rejected["suppressed"]; n < uint64(len(suppressed)) {
		t.Errorf("suppressed: %d, want %d", n, len(suppressed))
	}

	var all strings.Builder
	for { // The last of them is not hidden.
		msg := pixeltest.Receive(t, rejected)
		all.Write(msg.Data)
		for name, values := range msg.Header {
			all.WriteString(name + strings.Join(values, " "))
		}
		if strings.Contains(string(msg.Data), "open-rejected") {
			break
		}
	}
	for _, path := range []string{"/segment_pixel/recent?limit=1000", "/segment_pixel/status", "/metrics"} {
		_, text := s.Ask(http.MethodGet, path, "")
		all.Write(text)
		if path != "/metrics" && !strings.Contains(string(text), "web") {
			t.Errorf("%s: %s", path, text)
		}
	}
	err := filepath.WalkDir(s.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text := all.String()
	for _, secret := range []string{"hush", "HUSH", "4711000815", base64.StdEncoding.EncodeToString([]byte("hush"))[:7]} {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%q is in %q", secret, text[max(0, at-200):min(len(text), at+100)])
		}
	}
	if !strings.Contains(text, "open-event") || !strings.Contains(text, "open-rejected") {
		t.Error("the others are not there either")
	}
}

// TestSuppressFollows changes the list while the site runs, takes NATS away, and starts
// again without it.
func TestSuppressFollows(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	kv := consentBucket(t, b)
	s := pixeltest.NewAdminSite(t)
	body := suppressing(b.Server.ClientURL(), "sink writer file DIR/events")
	s.Run("", body)
	count := func() int { return len(s.Lines("events")) }
	open := func(user string) bool {
		before := count()
		s.Get("/v1/pixel/page?writeKey=k&userId=" + user)
		return count() > before
	}
	if !open("u") {
		t.Fatal("an event of nobody on the list is suppressed")
	}
	key := suppress.Key(pixel.PersonUser, "u")
	withdraw(t, kv, key)
	pixeltest.Eventually(t, "the withdrawal takes effect", func() bool { return !open("u") })
	if err := kv.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	pixeltest.Eventually(t, "taking it back takes effect", func() bool { return open("u") })
	withdraw(t, kv, key)
	withdraw(t, kv, "u")
	pixeltest.Eventually(t, "the list is followed, and a strange key reported", func() bool {
		status := s.Status()
		return !open("u") && len(status.Problems) == 1 && strings.Contains(status.Problems[0], "1 keys of the bucket name nobody")
	})

	connections := b.TotalConnections()
	s.Run("", body+"header X-Changed 1\n")
	if open("u") || b.TotalConnections() != connections {
		t.Error("the reload has not kept the list")
	}
	copied := func() bool {
		files, _ := filepath.Glob(filepath.Join(s.Dir, "caddy", "segment_pixel", "suppress", "withdrawn-*.list"))
		info, err := os.Stat(strings.Join(files, ""))
		return err == nil && info.Size() > 0
	}
	pixeltest.Eventually(t, "the list is on disk", copied)

	b.Client.Close()
	b.Server.Shutdown()
	b.Server.WaitForShutdown()
	s.Run("", "respond 204")
	s.Run("", body)
	if open("u") {
		t.Error("a start without NATS does not know the list")
	}
	if !open("other") {
		t.Error("a start without NATS drops the events of others")
	}
	pixeltest.Eventually(t, "the status says since when, and is ready", func() bool {
		status := s.Status()
		return status.Ready && strings.Contains(strings.Join(status.Problems, " "), "not read since")
	})
}

// TestSuppressUnread starts without NATS and without a list: nobody knows who has
// withdrawn consent, so that events are dropped, and nothing of them kept.
func TestSuppressUnread(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	port := pixeltest.FreePort(t)
	server := "nats://127.0.0.1:" + strconv.Itoa(port)
	s.Run("", suppressing(server, "sink writer file DIR/events"))
	s.Get("/v1/pixel/page?writeKey=k&userId=hush-user")
	s.Get("/v1/pixel/page?writeKey=nobody&userId=hush-user")
	status := s.Status()
	if status.Ready || status.Outcomes.Dropped == 0 || status.Handlers[0].Sinks[0].Counts != nil && status.Handlers[0].Sinks[0].Counts.Dropped["consent_unread"] != 1 {
		t.Errorf("status %+v", status)
	}
	if n := s.Metrics()[`caddy_segment_pixel_sink_dropped_total{cause="consent_unread",server="",sink="writer",subject=""}`]; n != 1 {
		t.Errorf("%v dropped", n)
	}
	_, recent := s.Ask(http.MethodGet, "/segment_pixel/recent?limit=1000", "")
	log, err := os.ReadFile(filepath.Join(s.Dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(recent) + string(log); strings.Contains(text, "hush-user") || !strings.Contains(text, "consent_unread") {
		t.Errorf("kept: %s", text)
	}
	b := pixeltest.StartNATS(t, port)
	pixeltest.Eventually(t, "the missing bucket is reported", func() bool {
		return strings.Contains(strings.Join(s.Status().Problems, " "), "nats kv add withdrawn")
	})
	consentBucket(t, b, suppress.Key(pixel.PersonUser, "hush-user"))
	pixeltest.Eventually(t, "the list is read", func() bool { return s.Status().Ready })
	s.Get("/v1/pixel/page?writeKey=k&userId=hush-user")
	s.Get("/v1/pixel/page?writeKey=k&userId=other")
	if lines := s.Lines("events"); len(lines) != 1 || lines[0]["userId"] != "other" {
		t.Errorf("events %v", lines)
	}
}
