// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// findings returns what a warning of a stream keeper names.
func findings(t *testing.T, entry observer.LoggedEntry) []string {
	t.Helper()
	list, ok := entry.ContextMap()["findings"].([]any)
	if !ok || len(list) == 0 {
		t.Fatalf("%q names no finding", entry.Message)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = item.(string)
	}
	return texts
}

// wantFindings expects one warning, with these findings.
func wantFindings(t *testing.T, logs *observer.ObservedLogs, want ...string) {
	t.Helper()
	if logs.Len() != 1 || logs.All()[0].Level != zap.WarnLevel {
		t.Errorf("logged %q, want one warning", natstest.Messages(logs))
		return
	}
	if got := findings(t, logs.All()[0]); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestStreamKeeperFindings(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	const subject = "segment.events.*.*"
	for _, test := range []struct {
		name         string
		change       func(*jetstream.StreamConfig)
		maxEventSize int64
		named        string // the stream that the sink names, if any
		want         string // nothing to warn of if empty
	}{
		{name: "as it should be"},
		{name: "named", named: "EVENTS"},
		{
			name: "named and missing", named: "OTHER", change: func(c *jetstream.StreamConfig) { c.Subjects = []string{"other"} },
			want: "there is no stream OTHER: create it, or write create into its block",
		},
		{
			name: "named, and another takes its place", named: "OTHER",
			want: "there is no stream OTHER, and the subject " + subject + " belongs to EVENTS: correct the name, or move the subject",
		},
		{
			name: "none covers", change: func(c *jetstream.StreamConfig) { c.Subjects = []string{"other"} },
			want: "no stream covers the subject " + subject + ": create one, or write stream <name> { create } into the sink's block",
		},
		{
			name: "covers a part", change: func(c *jetstream.StreamConfig) { c.Subjects = []string{"segment.events.web.>"} },
			want: "EVENTS does not cover all of " + subject + ": add what is missing to its subjects: nats stream edit --force EVENTS --subjects",
		},
		{
			name: "named and covers nothing", named: "EVENTS",
			change: func(c *jetstream.StreamConfig) { c.Subjects = []string{"other"} },
			want:   "EVENTS does not cover all of " + subject + ": add what is missing to its subjects: nats stream edit --force EVENTS --subjects",
		},
		{
			name: "sealed", change: func(c *jetstream.StreamConfig) { c.Sealed = true },
			want: "EVENTS is sealed and takes nothing more: a stream stays sealed for ever: delete it (nats stream rm EVENTS) or take the subject from it " +
				"(nats stream edit --force EVENTS --subjects <another>), and create another stream for the subject",
		},
		{
			name: "no ack", change: func(c *jetstream.StreamConfig) { c.NoAck = true },
			want: "EVENTS has no_ack set, so that an event counts as failed when it is stored as well: have it acknowledge: nats stream edit --force EVENTS --ack",
		},
		{
			name: "short duplicate window", change: func(c *jetstream.StreamConfig) { c.Duplicates = 59 * time.Second },
			want: "EVENTS recognises repeated events for only 59s: set the duplicate window to 5m or longer: nats stream edit --force EVENTS --dupe-window 5m",
		},
		{name: "just long enough duplicate window", change: func(c *jetstream.StreamConfig) { c.Duplicates = time.Minute }},
		{
			name: "small messages", change: func(c *jetstream.StreamConfig) { c.MaxMsgSize = 32767 },
			want: "EVENTS takes messages of at most 32767 bytes, the handler events of 32768: nats stream edit --force EVENTS --max-msg-size 36864, or lower max_event_size here",
		},
		{
			name: "small payload of the server", maxEventSize: 2 << 20,
			want: "EVENTS is behind a server that takes messages of at most 1048576 bytes, the handler events of 2097152: raise max_payload in the configuration of the server, or lower max_event_size here",
		},
		{
			name: "discard old", change: func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
			want: "EVENTS drops its oldest events when it is full: set discard to new: nats stream edit --force EVENTS --discard new",
		},
		{
			name: "full subjects", change: func(c *jetstream.StreamConfig) {
				c.MaxMsgsPerSubject, c.DiscardNewPerSubject = 1000, true
			},
			want: "EVENTS refuses events of a subject that is full, and they hold up those of the others: set discard_new_per_subject to false in the stream's configuration",
		},
		{
			name: "early acks", change: func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
			want: "EVENTS acknowledges events before it has stored them: a crash of the server loses some: copy it into a stream with the default persist_mode, which cannot be changed",
		},
		{
			name: "few of each subject", change: func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
			want: "EVENTS keeps no more than 1 events of a subject and drops the older ones: lift the limit: nats stream edit --force EVENTS --max-msgs-per-subject=-1",
		},
		{
			name: "interest without a consumer", change: func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
			want: "EVENTS drops every event, since its retention is interest and it has no consumer: " +
				"create the consumer before events come, or copy the stream into one with the retention limits, which cannot be changed to",
		},
		{
			name: "in memory", change: func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
			want: "EVENTS is in memory: a restart of the server loses what it has acknowledged: copy it into a stream with the storage file, which cannot be changed",
		},
		{name: "a short age, which is a hint", change: func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }},
		{
			name: "no batched publish", change: func(c *jetstream.StreamConfig) { c.AllowBatchPublish = false },
			want: "EVENTS does not allow batched publishing, which costs less: set allow-fast on nats-server 2.14 or newer: nats stream edit --force EVENTS --allow-fast",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			created, config := natstest.EventStream(), natstest.EventStream()
			if test.change != nil {
				test.change(&config)
			}
			if created.Sealed = false; !config.Sealed {
				created = config
			}
			client.Create(t, created)
			defer func() {
				if err := client.Js.DeleteStream(t.Context(), created.Name); err != nil {
					t.Error(err)
				}
			}()
			if config.Sealed { // which cannot be created
				if _, err := client.Js.UpdateStream(t.Context(), config); err != nil {
					t.Fatal(err)
				}
			}
			var named *stream.Stream
			if test.named != "" {
				named = &stream.Stream{Name: test.named}
			}
			logs := observeStreams(t)
			k := stream.NewKeeper(subject, named, max(test.maxEventSize, pixel.DefaultMaxEventSize))
			for range 2 { // the second look finds nothing new
				if !k.Check(t.Context(), client.Js) {
					t.Error("could not find out")
				}
			}
			if test.want != "" {
				wantFindings(t, logs, test.want)
			} else if logs.Len() > 0 {
				t.Errorf("logged %v", logs.All())
			}
		})
	}
}

// TestStreamKeeperSeveralStreams has two streams that each take a part.
func TestStreamKeeperSeveralStreams(t *testing.T) {
	natstest.CheckLeaks(t)
	client := natstest.NewTestClient(t, natstest.StartPlain(t, natstest.WithJetStream))
	for _, source := range []string{"web", "mail"} {
		config := natstest.EventStream()
		config.Name, config.Subjects = source, []string{"segment.events." + source + ".*"}
		client.Create(t, config)
	}
	logs := observeStreams(t)
	k := stream.NewKeeper("segment.events.*.*", nil, pixel.DefaultMaxEventSize)
	if !k.Check(t.Context(), client.Js) {
		t.Error("could not find out")
	}
	if logs.Len() != 1 || len(findings(t, logs.All()[0])) != 2 {
		t.Errorf("logged %v, want one finding for each", logs.All())
	}
}

// apiCalls is how many requests the server's JetStream API has had.
func apiCalls(t *testing.T, s *server.Server) uint64 {
	t.Helper()
	info, err := s.Jsz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return info.API.Total
}

// TestStreamKeeperReportsChanges reconnects, which leads to another look but to no
// other line, and then mends the stream.
func TestStreamKeeperReportsChanges(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	config := natstest.EventStream()
	config.Duplicates = 30 * time.Second
	client.Create(t, config)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	natstest.Eventually(t, "the condition holds", func() bool { return logs.Len() == 1 })
	wantFindings(t, logs, "EVENTS recognises repeated events for only 30s: set the duplicate window to 5m or longer: nats stream edit --force EVENTS --dupe-window 5m")

	before := apiCalls(t, server)
	if err := s.lease.value.conn.NATS().ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	// One to list the streams, one to read this one.
	natstest.Eventually(t, "the condition holds", func() bool { return apiCalls(t, server) >= before+2 })
	config.Duplicates = time.Minute
	if _, err := client.Js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	s.keeper.Load().Look()
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterLevelExact(zap.InfoLevel).Len() == 1 })
	if got, want := natstest.Messages(logs), "the stream is not as it should be; the stream is as it should be"; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// TestStreamKeeperCreatesAgain deletes the stream that the sink has created: the
// next event brings it back.
func TestStreamKeeperCreatesAgain(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	s, logs := startJetStream(t, server.ClientURL(), func(s *JetStream) {
		s.Stream = &stream.Stream{Name: "EVENTS", Create: &stream.Create{}}
	})
	publish(t, s, newEvent("1"))
	if err := client.Js.DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	publish(t, s, newEvent("2"))
	msgs := client.Stored(t)
	if len(msgs) != 1 || msgs[0].Header.Get("Nats-Msg-Id") != "web:2" {
		t.Errorf("%d messages, want the second one", len(msgs))
	}
	if n := logs.FilterMessage("created the stream").Len(); n != 2 {
		t.Errorf("created %d times, want 2", n)
	}
}

// TestStreamKeeperReportsFailures has looks that fail between others, as when NATS
// is without a leader: what was found before is not reported again.
func TestStreamKeeperReportsFailures(t *testing.T) {
	natstest.CheckLeaks(t)
	client := natstest.NewTestClient(t, natstest.StartPlain(t, natstest.WithJetStream))
	config := natstest.EventStream()
	config.Discard = jetstream.DiscardOld
	client.Create(t, config)
	nobody, err := jetstream.NewWithDomain(client.Conn, "nobody")
	if err != nil {
		t.Fatal(err)
	}
	logs := observeStreams(t)
	k := stream.NewKeeper("segment.events.*.*", nil, pixel.DefaultMaxEventSize)
	for _, look := range []struct {
		js   jetstream.JetStream
		want string // logged by it
	}{
		{nobody, "cannot look after the stream yet, trying on"},
		{nobody, ""},
		{client.Js, "the stream is not as it should be"},
		{nobody, "cannot look after the stream yet, trying on"},
		{nobody, ""},
		{client.Js, "looked after the stream again: nothing has changed"},
		{client.Js, ""},
	} {
		if found := k.Check(t.Context(), look.js); found != (look.js == client.Js) {
			t.Errorf("found out: %t", found)
		}
		for _, entry := range logs.FilterMessage("cannot look after the stream yet, trying on").All() {
			if hint, _ := entry.ContextMap()["hint"].(string); !strings.Contains(hint, "check that JetStream is on") {
				t.Errorf("the hint is %q", hint)
			}
		}
		if got := natstest.Messages(logs); got != look.want {
			t.Errorf("logged %q, want %q", got, look.want)
		}
		logs.TakeAll()
	}
}

// TestStreamKeeperWithoutJetStream has a server that will never have a stream.
func TestStreamKeeperWithoutJetStream(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	s, logs := startJetStream(t, server.ClientURL(), func(s *JetStream) {
		ackTimeout(2 * time.Second)(s)
		s.Stream = &stream.Stream{Name: "EVENTS", Create: &stream.Create{}}
	})
	natstest.WantError(t, s.Publish(context.Background(), newEvent("1")), "or JetStream is off")
	natstest.Eventually(t, "the condition holds", func() bool { return logs.Len() == 1 })
	if got := natstest.Messages(logs); got != "cannot look after the stream yet, trying on" {
		t.Errorf("logged %q", got)
	}
}

// TestStreamKeeperIsShared starts sinks as sites do that import one snippet, and
// one with another subject.
func TestStreamKeeperIsShared(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	first, _ := newJetStream(t, server.ClientURL(), nil)
	second, _ := newJetStream(t, server.ClientURL(), nil)
	other, logs := newJetStream(t, server.ClientURL(), func(s *JetStream) { s.Subject = "other.{source}" })
	for _, s := range []*JetStream{first, second, other} {
		startSink(t, s)
		defer s.Stop()
	}
	if first.keeper.Load() != second.keeper.Load() || first.keeper.Load() == other.keeper.Load() {
		t.Error("sinks that are alike share no keeper, or others do")
	}
	natstest.Eventually(t, "the condition holds", func() bool { return logs.Len() == 2 })
	first.Stop()
	// The second sink still has its keeper looked after.
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	second.keeper.Load().Look()
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterMessage("the stream is as it should be").Len() == 1 })
}
