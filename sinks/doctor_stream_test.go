// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

func TestDoctorChecksPermissions(t *testing.T) {
	const asking = "$SYS.REQ.USER.INFO"
	for _, test := range []struct {
		name      string
		publish   *server.SubjectPermission
		subscribe *server.SubjectPermission
		mark      Mark
		words     string
	}{
		{"everything", nil, nil, OK, "user alice of account $G may do everything"},
		{"what it needs", &server.SubjectPermission{Allow: []string{"segment.>", asking}}, nil, OK, "events may be published to segment.events.*.*"},
		{"one source", &server.SubjectPermission{Allow: []string{"segment.events.web.*", asking}}, nil, Warning, "a part of segment.events.*.* alone"},
		{"another subject", &server.SubjectPermission{Allow: []string{"other.>", asking}}, nil, Problem, "events may not be published"},
		{"no rejected requests", &server.SubjectPermission{Allow: []string{"segment.events.>", asking}}, nil, Warning, "rejected requests may not be published to segment.rejected.*"},
		{"denied", &server.SubjectPermission{Deny: []string{"segment.>"}}, nil, Problem, "events may not be published"},
		{"denied in part", &server.SubjectPermission{Deny: []string{"segment.events.web.*"}}, nil, Warning, "a part of"},
		{"not to be asked", &server.SubjectPermission{Allow: []string{"segment.>"}}, nil, Skipped, asking},
		{"no answers", nil, &server.SubjectPermission{Allow: []string{"_INBOX.alice.>"}}, Problem, "inbox_prefix"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkLeaks(t)
			s := startServer(t, func(o *server.Options) {
				o.Users = []*server.User{{
					Username: "alice", Password: "s3cret",
					Permissions: &server.Permissions{Publish: test.publish, Subscribe: test.subscribe},
				}}
				if test.publish == nil && test.subscribe == nil {
					o.Users[0].Permissions = nil
				}
			})
			e := examine(t, newNATS(t, s.ClientURL(), func(n *NATS) { n.User, n.Password = "alice", "s3cret" }), 1)
			e.want(test.mark, "permissions", test.words)
		})
	}
}

func TestDoctorLeavesOutWhatIsNotPublished(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "alice", Password: "s3cret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"segment.events.>", "$SYS.REQ.USER.INFO"}},
		}}}
	})
	e := examine(t, newNATS(t, s.ClientURL(), func(n *NATS) { n.User, n.Password, n.Rejected = "alice", "s3cret", "off" }), 1)
	e.wantNo(Problem, Warning, Skipped)
}

func TestDoctorWithoutJetStream(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, nil)
	sink, _ := newJetStream(t, s.ClientURL(), nil)
	e := examine(t, sink, 1)
	e.want(Problem, "JetStream", "it is off for this account")
	e.want(OK, "spool", "it is off")
}

func TestDoctorChecksTheStream(t *testing.T) {
	const maxEventSize = 32 << 10
	for _, test := range []struct {
		name    string
		streams []jetstream.StreamConfig
		stream  *Stream
		mark    Mark
		check   string
		words   string
	}{
		{"none", nil, nil, Problem, "stream", "no stream covers the subject segment.events.*.*"},
		{"none, and how to get one", nil, nil, Problem, "stream", "nats stream add SEGMENT"},
		{"none of that name", []jetstream.StreamConfig{eventStream()}, &Stream{Name: "OTHER"}, Problem, "stream", "there is no stream OTHER"},
		{"one to be created", nil, &Stream{Name: "EVENTS", Create: new(StreamCreate)}, OK, "stream", "it is created when Caddy runs"},
		{"one that covers a part", streams(func(c *jetstream.StreamConfig) { c.Subjects = []string{"segment.events.web.*"} }), nil, Problem, "stream", "does not cover all of"},
		{"one without acks", streams(func(c *jetstream.StreamConfig) { c.NoAck = true }), nil, Problem, "stream", "no_ack"},
		{"one that drops", streams(func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }), nil, Warning, "stream", "drops its oldest events"},
		{"a short window", streams(func(c *jetstream.StreamConfig) { c.Duplicates = time.Second }), nil, Warning, "stream", "recognises repeated events for only 1s"},
		{"no batches", streams(func(c *jetstream.StreamConfig) { c.AllowBatchPublish = false }), nil, Warning, "stream", "does not allow batched publishing"},
		{"what is to be done", streams(func(c *jetstream.StreamConfig) { c.NoAck = true }), nil, Problem, "stream", "nats stream edit EVENTS --ack"},
		{"small messages", streams(func(c *jetstream.StreamConfig) { c.MaxMsgSize = maxEventSize - 1 }), nil, Warning, "stream", "takes messages of at most 32767 bytes"},
		{"messages without an envelope", streams(func(c *jetstream.StreamConfig) { c.MaxMsgSize = maxEventSize }), nil, Warning, "message size", "may become larger by what the handler adds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkLeaks(t)
			s := startServer(t, withJetStream)
			client := newTestClient(t, s)
			for _, config := range test.streams {
				client.create(t, config)
			}
			sink, _ := newJetStream(t, s.ClientURL(), func(j *JetStream) { j.Stream = test.stream })
			examine(t, sink, maxEventSize).want(test.mark, test.check, test.words)
			// What is left is the client of the test.
			eventually(t, patience, func() bool { return s.NumClients() == 1 })
			if names := streamNames(t, client); len(names) != len(test.streams) {
				t.Errorf("there are now the streams %v", names)
			}
		})
	}
}

// TestDoctorMendsAStreamThatCannotBeMended has remedies where nats stream edit is of no use.
func TestDoctorMendsAStreamThatCannotBeMended(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, withJetStream)
	client := newTestClient(t, s)
	config := eventStream()
	client.create(t, config)
	config.Sealed = true
	if _, err := client.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	sink, _ := newJetStream(t, s.ClientURL(), nil)
	e := examine(t, sink, 2<<20)
	e.want(Problem, "stream", "EVENTS is sealed and takes nothing more\na stream stays sealed for ever: delete it")
	e.want(Warning, "stream", "the handler events of 2097152\nraise max_payload in the configuration of the server")
}

func streams(change func(*jetstream.StreamConfig)) []jetstream.StreamConfig {
	config := eventStream()
	change(&config)
	return []jetstream.StreamConfig{config}
}

func streamNames(t *testing.T, client testClient) []string {
	t.Helper()
	var names []string
	lister := client.js.StreamNames(t.Context())
	for name := range lister.Name() {
		names = append(names, name)
	}
	if err := lister.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDoctorChecksTheRoomInTheStream(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   func(*jetstream.StreamConfig)
		messages int
		mark     Mark
		words    string
	}{
		{"room", func(c *jetstream.StreamConfig) { c.MaxMsgs = 100 }, 80, OK, "80 messages"},
		{"nearly full", func(c *jetstream.StreamConfig) { c.MaxMsgs = 100 }, 95, Warning, "95 % of its limit"},
		{"full", func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, 10, Problem, "full, with 10 of 10 messages"},
		{"full of bytes", func(c *jetstream.StreamConfig) { c.MaxBytes = 10_000 }, 9, Problem, "of 10000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkLeaks(t)
			s := startServer(t, withJetStream)
			client := newTestClient(t, s)
			client.create(t, streams(test.config)[0])
			for range test.messages {
				if _, err := client.js.Publish(t.Context(), "segment.events.web.track", make([]byte, 1000)); err != nil {
					t.Fatal(err)
				}
			}
			sink, _ := newJetStream(t, s.ClientURL(), nil)
			examine(t, sink, 1).want(test.mark, "room", test.words)
		})
	}
}

func TestDoctorChecksTheAccountsLimits(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, withJetStream)
	client := newTestClient(t, s)
	client.create(t, eventStream())
	if _, err := client.js.Publish(t.Context(), "segment.events.web.track", make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	account := s.GlobalAccount()
	limits := server.JetStreamAccountLimits{
		MaxMemory: 1 << 20, MaxStore: 1000, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	if err := account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
		t.Fatal(err)
	}
	sink, _ := newJetStream(t, s.ClientURL(), nil)
	examine(t, sink, 1).want(Warning, "JetStream", "the account uses")
}

func TestDoctorLooksAtTheSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder", "spool")
	look := func(configure ...func(*JetStream)) examined {
		t.Helper()
		sink, _ := newJetStream(t, "nats://127.0.0.1:1", spooled(dir, configure...))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return examined{t, sink.Examine(ctx, Site{MaxEventSize: 1})}
	}
	look().want(OK, spoolCheck, dir+" is created when Caddy runs")
	if exists(dir) {
		t.Fatal("the doctor has created the spool")
	}

	sink := startSpooled(t, "nats://127.0.0.1:1", spooled(dir), t)
	publishMany(t, sink, "event", 3)
	look().want(OK, spoolCheck, "has "+dir+" open")
	sink.Stop()
	eventually(t, patience, func() bool { return liveDeliveries() == 0 })

	look().want(Warning, spoolCheck, "about 3 events wait in "+dir)
	if events, err := spool.Waiting(dir); events != 3 || err != nil {
		t.Errorf("%d events wait now, %v", events, err)
	}
	look(func(s *JetStream) { s.Spool.MaxSize = 1 << 60 }).want(Warning, diskCheck, "are free on the disk")
	look().want(OK, diskCheck, "are free, the spool may take 10 GiB")

	writeFile(t, filepath.Join(dir, "undeliverable.ndjson"), "{}\n")
	look().want(Warning, spoolCheck, "undeliverable.ndjson holds 3 B of events that no stream could store")
	look().want(Warning, spoolCheck, "caddy segment-pixel replay --undeliverable")
	if err := os.Mkdir(filepath.Join(dir, "damaged"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "damaged", "00000000"), "x")
	look().want(Warning, spoolCheck, "holds copies of damaged files (1): what could be read of them was delivered")

	dir = filepath.Join(dir, "undeliverable.ndjson")
	look().want(Problem, spoolCheck, "is not a directory")
	dir = filepath.Join(dir, "below")
	look().want(Problem, spoolCheck, "not a directory")
}

func TestDoctorFindsForgottenSpools(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	byDefault := func(s *JetStream) { s.Spool = nil }
	old := startSpooled(t, "nats://127.0.0.1:1", byDefault, t)
	publishMany(t, old, "event", 2)
	if found := ExamineForgotten(nil); len(found) > 0 {
		t.Errorf("a spool in use is called forgotten: %v", found)
	}
	old.Stop()
	eventually(t, patience, func() bool { return liveDeliveries() == 0 })

	if found := ExamineForgotten([]Sink{old}); len(found) > 0 {
		t.Errorf("the spool of a sink is called forgotten: %v", found)
	}
	moved, _ := newJetStream(t, "nats://127.0.0.1:2", byDefault)
	examined{t, ExamineForgotten([]Sink{moved})}.want(Warning, "forgotten spool", "about 2 events wait in ")
}
