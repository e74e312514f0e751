// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/replay"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// aside writes lines into a file, the last without its end.
func asideFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "aside.ndjson")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// asideEvent is a line as Caddy writes it.
func asideEvent(typ, id string) string {
	return fmt.Sprintf(`{"time":"2026-11-23T12:00:00Z","cause":"c","subject":"segment.events.web.%s","messageId":"web:%s","event":{"userId":"<&>","messageId":%q}}`,
		typ, id, id)
}

// deliveringFile is a configuration with a jetstream sink.
func deliveringFile(t *testing.T, url, more string) string {
	t.Helper()
	return pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nsink jetstream "+url+" {\nspool off\n"+more+"\n}\n}")
}

func replayUndeliverable(t *testing.T, config, file string, more ...string) pixeltest.Executed {
	t.Helper()
	return pixeltest.Execute(t, replay.New(), append([]string{"--config", config, "--undeliverable", file}, more...)...)
}

// TestReplayOfWhatWasSetAside goes all the way: an event that is too large for the
// stream, a larger stream, and the replay, twice, while Caddy runs.
func TestReplayOfWhatWasSetAside(t *testing.T) {
	s, b := pixeltest.NewSite(t), pixeltest.StartNATS(t, -1)
	b.LimitEvents(1000)
	dir := filepath.Join(s.Dir, "spool")
	body := "segment_pixel {\nwrite_key KEY web\nsink jetstream " + b.Server.ClientURL() + " {\nspool " + dir + "\n}\nsink jetstream nats://127.0.0.1:1 {\nspool " + dir + "2\n}\n}"
	s.Run(body)
	large := strings.Repeat("x", 1000)
	s.Get("/v1/pixel/track?writeKey=KEY&userId=u&event=large&messageId=1&properties.p=" + large)
	s.Get("/v1/pixel/track?writeKey=KEY&userId=u&event=small&messageId=2")
	b.Await(1)
	file := filepath.Join(dir, "undeliverable.ndjson")
	var kept []byte
	pixeltest.Eventually(t, "the event is set aside", func() bool {
		kept, _ = os.ReadFile(file)
		return bytes.HasSuffix(kept, []byte("\n"))
	})

	config := s.JSONFile(s.Config(body))
	replayUndeliverable(t, config, file, "--dry-run").Want(4, "1 line read\n0 would be published\n1 still refused, the first in line 1 (segment.events.web.track): "+
		"the event is larger than the stream SEGMENT takes: raise its max_msg_size\n")
	replayUndeliverable(t, config, file).Want(4, "1 line read\n0 stored\n1 still refused", "message size exceeds maximum allowed\nkeep the file")
	b.LimitEvents(-1)
	replayUndeliverable(t, config, file, "--dry-run").Want(0, "1 line read\n1 would be published\n")
	b.Await(1)
	replayUndeliverable(t, config, file).Want(0, "1 stored\n"+file+" may be moved away now; what Caddy may have added meanwhile begins with line 2\n")
	replayUndeliverable(t, config, file).Want(0, "1 stored, 1 of which had been before\n")
	messages := b.Await(2)
	event := pixeltest.Parse(t, messages[1].Data)
	if id := messages[1].Header.Get(nats.MsgIdHdr); event["event"] != "large" || id != "web:1:u" || messages[1].Subject != "segment.events.web.track" {
		t.Errorf("%s has %v with the id %s", messages[1].Subject, event, id)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, kept) {
		t.Errorf("the file has changed, or %v", err)
	}
}

// TestReplayLeavesWhatIsNotStored has lines of all kinds, in a file and then in the one
// of what was left.
func TestReplayLeavesWhatIsNotStored(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	config := deliveringFile(t, b.Server.ClientURL(), "")
	lines := []string{
		asideEvent("track", "1"),
		strings.Replace(asideEvent("page", "2"), "segment.events.", "other.", 1),
		`{"subject":"segment.events.web.track","event":"da\ufffdmaged"}`,
		"",
		`{"subject":"segment.events.web.track"`,
		strings.Replace(asideEvent("track", "3"), "segment.events.", "other.", 1),
		`{"subject":"segment.events.*","event":{}}`,
		`{"subject":"segment.events.web.page","event":{"event":"without an id"}}`,
		asideEvent("screen", "4")[:60],
	}
	file, left := asideFile(t, lines...), filepath.Join(t.TempDir(), "left.ndjson")
	replayUndeliverable(t, config, file, "--left", left).Want(4,
		file+": 8 lines read\n2 stored\n1 of them have no message id",
		"2 still refused, the first in line 2 (other.web.page): no stream takes the subject",
		"4 damaged: line 3: its event is no JSON object: it was damaged when it was set aside; line 5: it is no JSON, or ends early; "+
			`line 7: "segment.events.*" is no subject to publish to; line 9: it has no end: a crash has cut it, or it is being written`+"\n",
		"what was not stored is in "+left+"\n"+file+" may be removed now\n")
	if got := b.Await(2); string(got[0].Data) != `{"userId":"<&>","messageId":"1"}` || string(got[1].Data) != `{"event":"without an id"}` {
		t.Errorf("stored %s and %s", got[0].Data, got[1].Data)
	}
	wantLeft := strings.Join([]string{lines[2], lines[4], lines[6], lines[8], lines[1], lines[5]}, "\n") + "\n"
	if got, err := os.ReadFile(left); err != nil || string(got) != wantLeft {
		t.Errorf("left are\n%s, %v", got, err)
	}

	replayUndeliverable(t, config, file, "--left", left).Want(1, "--left must name a new file")
	if _, err := b.Js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other.>"}}); err != nil {
		t.Fatal(err)
	}
	none := left + ".2"
	replayUndeliverable(t, config, left, "--from-line", "5", "--left", none).Want(0, "2 lines read\n2 stored\n", left+" may be removed now as far as it is about line 5")
	if _, err := os.Stat(none); err == nil {
		t.Error("an empty file is left")
	}
}

func TestReplayOfAFileInParts(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	config := deliveringFile(t, b.Server.ClientURL(), "")
	var lines []string
	for i := range 600 { // more than are published at once
		lines = append(lines, asideEvent("track", fmt.Sprint(i)))
	}
	file := asideFile(t, lines...)
	replayUndeliverable(t, config, file, "--limit", "300").Want(0, "300 lines read\n300 stored\nto go on: --from-line 301\n")
	replayUndeliverable(t, config, file, "--from-line", "301").Want(0, "300 lines read\n300 stored\n"+file+" may be removed now as far")
	for i, msg := range b.Await(600) {
		if id := msg.Header.Get(nats.MsgIdHdr); id != fmt.Sprintf("web:%d", i) {
			t.Fatalf("message %d has the id %s", i, id)
		}
	}
}

// TestReplayIsCutOff has somebody take a message and say nothing, and then NATS go away
// or the command be ended.
func TestReplayIsCutOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, test := range []struct {
		name string
		end  func(*pixeltest.Broker)
		word string
	}{
		{"NATS goes away", func(b *pixeltest.Broker) { b.Server.Shutdown() }, "publishing the event in line 1: NATS is not connected"},
		{"the command is stopped", func(*pixeltest.Broker) { cancel() }, "the replay was interrupted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := pixeltest.StartNATS(t, -1)
			b.CreateStream()
			taken := make(chan struct{}, 1)
			if _, err := b.Client.Subscribe("silent.>", func(*nats.Msg) { taken <- struct{}{} }); err != nil {
				t.Fatal(err)
			}
			if err := b.Client.Flush(); err != nil {
				t.Fatal(err)
			}
			file := asideFile(t, strings.Replace(asideEvent("track", "1"), "segment.events", "silent", 1), asideEvent("track", "2"))
			arguments := []string{"--config", deliveringFile(t, b.Server.ClientURL(), ""), "--undeliverable", file}
			done := make(chan pixeltest.Executed, 1)
			go func() { done <- pixeltest.ExecuteContext(ctx, t, replay.New(), arguments...) }()
			pixeltest.Receive(t, taken)
			b.Await(1)
			test.end(b)
			pixeltest.Receive(t, done).Want(1, test.word, "2 lines read\n", "to go on: --from-line 1\n")
		})
	}
}

// TestReplayMayNotPublish has a login that may publish to one subject alone.
func TestReplayMayNotPublish(t *testing.T) {
	s := pixeltest.StartServer(t, &server.Options{Port: -1, JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
		{Username: "admin", Password: "a"},
		{Username: "alice", Password: "s3cret", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"segment.events.web.page"}}}},
	}})
	client, err := nats.Connect(s.ClientURL(), nats.UserInfo("admin", "a"), nats.Timeout(pixeltest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b := &pixeltest.Broker{T: t, Server: s, Client: client}
	if b.Js, err = jetstream.New(client, jetstream.WithDefaultTimeout(pixeltest.Patience)); err != nil {
		t.Fatal(err)
	}
	b.CreateStream()
	config := deliveringFile(t, s.ClientURL(), "user alice s3cret")
	replayUndeliverable(t, config, asideFile(t, asideEvent("track", "1"), asideEvent("page", "2"), asideEvent("track", "3"))).Want(4,
		"3 lines read\n1 stored\n2 still refused, the first in line 1 (segment.events.web.track): NATS does not allow this user to publish to the subject: allow it")
	b.Await(1)
}

func TestReplayOfUndeliverableEventsCannotRun(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	config := deliveringFile(t, b.Server.ClientURL(), "")
	nats := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nsink nats\n}")
	away := deliveringFile(t, "nats://alice:s3cret@127.0.0.1:1", "")
	two := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key KEY web\nsink jetstream\nsink jetstream nats://127.0.0.1:1\n}")
	file := asideFile(t, asideEvent("track", "1"))
	for _, test := range []struct {
		name  string
		args  []string
		words string
	}{
		{"no file", []string{"--config", config, "--undeliverable", "/nowhere"}, "no such file"},
		{"a folder", []string{"--config", config, "--undeliverable", t.TempDir()}, "is a directory"},
		{"no configuration", []string{"--config", "/nowhere", "--undeliverable", file}, "no such file"},
		{"no stream sink", []string{"--config", nats, "--undeliverable", file}, "only jetstream does"},
		{"no NATS", []string{"--config", away, "--undeliverable", file}, "it cannot be reached"},
		{"several sinks", []string{"--config", two, "--undeliverable", file}, "the file is in the spool of none: choose one with --sink; 1 is jetstream of handler 1"},
		{"no such sink", []string{"--config", two, "--undeliverable", file, "--sink", "3"}, "--sink 3 is none"},
		{"a target", []string{"--undeliverable", file, "--to", "https://example.com"}, "--to is about rejected requests"},
		{"a line of nothing", []string{"--from-line", "3"}, "--from-line is about a file of undeliverable events"},
		{"no place for the rest", []string{"--config", config, "--undeliverable", file, "--left", file}, "--left must name a new file"},
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
