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

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

func TestDoctorChecksPermissions(t *testing.T) {
	const asking = "$SYS.REQ.USER.INFO"
	for _, test := range []struct {
		name      string
		publish   *server.SubjectPermission
		subscribe *server.SubjectPermission
		mark      report.Mark
		words     string
	}{
		{"everything", nil, nil, report.OK, "user alice of account $G may do everything"},
		{"what it needs", &server.SubjectPermission{Allow: []string{"segment.>", asking}}, nil, report.OK, "events may be published to segment.events.*.*"},
		{"one source", &server.SubjectPermission{Allow: []string{"segment.events.web.*", asking}}, nil, report.Warning, "a part of segment.events.*.* alone"},
		{"another subject", &server.SubjectPermission{Allow: []string{"other.>", asking}}, nil, report.Problem, "events may not be published"},
		{"no rejected requests", &server.SubjectPermission{Allow: []string{"segment.events.>", asking}}, nil, report.Warning, "rejected requests may not be published to segment.rejected.*"},
		{"denied", &server.SubjectPermission{Deny: []string{"segment.>"}}, nil, report.Problem, "events may not be published"},
		{"denied in part", &server.SubjectPermission{Deny: []string{"segment.events.web.*"}}, nil, report.Warning, "a part of"},
		{"not to be asked", &server.SubjectPermission{Allow: []string{"segment.>"}}, nil, report.Skipped, asking},
		{"no answers", nil, &server.SubjectPermission{Allow: []string{"_INBOX.alice.>"}}, report.Problem, "inbox_prefix"},
	} {
		t.Run(test.name, func(t *testing.T) {
			natstest.CheckLeaks(t)
			s := natstest.StartPlain(t, func(o *server.Options) {
				o.Users = []*server.User{{
					Username: "alice", Password: "s3cret",
					Permissions: &server.Permissions{Publish: test.publish, Subscribe: test.subscribe},
				}}
				if test.publish == nil && test.subscribe == nil {
					o.Users[0].Permissions = nil
				}
			})
			e := examineSink(t, newNATS(t, s.ClientURL(), func(n *NATS) { n.User, n.Password = "alice", "s3cret" }), 1)
			e.Want(test.mark, "permissions", test.words)
		})
	}
}

func TestDoctorLeavesOutWhatIsNotPublished(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "alice", Password: "s3cret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"segment.events.>", "$SYS.REQ.USER.INFO"}},
		}}}
	})
	e := examineSink(t, newNATS(t, s.ClientURL(), func(n *NATS) { n.User, n.Password, n.Rejected = "alice", "s3cret", "off" }), 1)
	e.WantNo(report.Problem, report.Warning, report.Skipped)
}

func TestDoctorWithoutJetStream(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, nil)
	sink, _ := newJetStream(t, s.ClientURL(), nil)
	e := examineSink(t, sink, 1)
	e.Want(report.Problem, "JetStream", "it is off for this account")
	e.Want(report.OK, "spool", "it is off")
}

func TestDoctorChecksTheStream(t *testing.T) {
	const maxEventSize = 32 << 10
	for _, test := range []struct {
		name    string
		streams []jetstream.StreamConfig
		stream  *stream.Stream
		mark    report.Mark
		check   string
		words   string
	}{
		{"none", nil, nil, report.Problem, "stream", "no stream covers the subject segment.events.*.*"},
		{"none, and how to get one", nil, nil, report.Problem, "stream", "nats stream add SEGMENT"},
		{"none of that name", []jetstream.StreamConfig{natstest.EventStream()}, &stream.Stream{Name: "OTHER"}, report.Problem, "stream", "there is no stream OTHER"},
		{"none of that name, but another", []jetstream.StreamConfig{natstest.EventStream()}, &stream.Stream{Name: "OTHER"}, report.Problem, "stream",
			"belongs to EVENTS: correct the name, or move the subject\nwrite stream EVENTS into the block of the sink"},
		{"one that cannot be created", []jetstream.StreamConfig{natstest.EventStream()}, &stream.Stream{Name: "OTHER", Create: new(stream.Create)}, report.Problem, "stream",
			"there is no stream OTHER, and the subject segment.events.*.* belongs to EVENTS"},
		{"one to be created", nil, &stream.Stream{Name: "EVENTS", Create: new(stream.Create)}, report.OK, "stream", "it is created when Caddy runs"},
		{"one that covers a part", streams(func(c *jetstream.StreamConfig) { c.Subjects = []string{"segment.events.web.*"} }), nil, report.Problem, "stream", "does not cover all of"},
		{"one without acks", streams(func(c *jetstream.StreamConfig) { c.NoAck = true }), nil, report.Problem, "stream", "no_ack"},
		{"one that drops", streams(func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }), nil, report.Warning, "stream", "drops its oldest events"},
		{"a short window", streams(func(c *jetstream.StreamConfig) { c.Duplicates = time.Second }), nil, report.Warning, "stream", "recognises repeated events for only 1s"},
		{"no batches", streams(func(c *jetstream.StreamConfig) { c.AllowBatchPublish = false }), nil, report.Warning, "stream", "does not allow batched publishing"},
		{"a short age", streams(func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }), nil, report.OK, "stream", "EVENTS drops events after 1h0m0s"},
		{"the last of each subject", streams(func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 }), nil, report.Warning, "stream", "keeps no more than 1 events of a subject"},
		{"what is to be done", streams(func(c *jetstream.StreamConfig) { c.NoAck = true }), nil, report.Problem, "stream", "nats stream edit --force EVENTS --ack"},
		{"small messages", streams(func(c *jetstream.StreamConfig) { c.MaxMsgSize = maxEventSize - 1 }), nil, report.Warning, "stream", "takes messages of at most 32767 bytes"},
		{"messages without an envelope", streams(func(c *jetstream.StreamConfig) { c.MaxMsgSize = maxEventSize }), nil, report.Warning, "message size", "may become larger by what the handler adds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			natstest.CheckLeaks(t)
			s := natstest.StartPlain(t, natstest.WithJetStream)
			client := natstest.NewTestClient(t, s)
			for _, config := range test.streams {
				client.Create(t, config)
			}
			sink, _ := newJetStream(t, s.ClientURL(), func(j *JetStream) { j.Stream = test.stream })
			examineSink(t, sink, maxEventSize).Want(test.mark, test.check, test.words)
			// What is left is the client of the test.
			natstest.Eventually(t, "the condition holds", func() bool { return s.NumClients() == 1 })
			if names := streamNames(t, client); len(names) != len(test.streams) {
				t.Errorf("there are now the streams %v", names)
			}
		})
	}
}

// TestDoctorMendsAStreamThatCannotBeMended has remedies where nats stream edit is of no use.
func TestDoctorMendsAStreamThatCannotBeMended(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, s)
	config := natstest.EventStream()
	client.Create(t, config)
	config.Sealed = true
	if _, err := client.Js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	sink, _ := newJetStream(t, s.ClientURL(), nil)
	e := examineSink(t, sink, 2<<20)
	e.Want(report.Problem, "stream", "EVENTS is sealed and takes nothing more\na stream stays sealed for ever: delete it")
	e.Want(report.Warning, "stream", "the handler events of 2097152\nraise max_payload in the configuration of the server")
}

func streams(change func(*jetstream.StreamConfig)) []jetstream.StreamConfig {
	config := natstest.EventStream()
	change(&config)
	return []jetstream.StreamConfig{config}
}

func streamNames(t *testing.T, client natstest.TestClient) []string {
	t.Helper()
	var names []string
	lister := client.Js.StreamNames(t.Context())
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
		mark     report.Mark
		words    string
	}{
		{"room", func(c *jetstream.StreamConfig) { c.MaxMsgs = 100 }, 80, report.OK, "80 messages"},
		{"nearly full", func(c *jetstream.StreamConfig) { c.MaxMsgs = 100 }, 95, report.Warning, "95 % of its limit"},
		{"full", func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, 10, report.Problem, "full, with 10 of 10 messages"},
		{"full of bytes", func(c *jetstream.StreamConfig) { c.MaxBytes = 10_000 }, 9, report.Problem, "of 10000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			natstest.CheckLeaks(t)
			s := natstest.StartPlain(t, natstest.WithJetStream)
			client := natstest.NewTestClient(t, s)
			client.Create(t, streams(test.config)[0])
			for range test.messages {
				if _, err := client.Js.Publish(t.Context(), "segment.events.web.track", make([]byte, 1000)); err != nil {
					t.Fatal(err)
				}
			}
			sink, _ := newJetStream(t, s.ClientURL(), nil)
			examineSink(t, sink, 1).Want(test.mark, "room", test.words)
		})
	}
}

func TestDoctorChecksTheAccountsLimits(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, s)
	client.Create(t, natstest.EventStream())
	if _, err := client.Js.Publish(t.Context(), "segment.events.web.track", make([]byte, 1000)); err != nil {
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
	examineSink(t, sink, 1).Want(report.Warning, "JetStream", "the account uses")
}

func TestDoctorLooksAtTheSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder", "spool")
	look := func(configure ...func(*JetStream)) conntest.Examined {
		t.Helper()
		sink, _ := newJetStream(t, "nats://127.0.0.1:1", spooled(dir, configure...))
		ctx, cancel := context.WithTimeout(t.Context(), natstest.Patience)
		defer cancel()
		return conntest.Examined{T: t, Checks: sink.Examine(ctx, Site{MaxEventSize: 1})}
	}
	look().Want(report.OK, "spool", dir+" is created when Caddy runs")
	if exists(dir) {
		t.Fatal("the doctor has created the spool")
	}

	sink := startSpooled(t, "nats://127.0.0.1:1", spooled(dir), t)
	publishMany(t, sink, "event", 3)
	look().Want(report.OK, "spool", "has "+dir+" open")
	sink.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })

	look().Want(report.Warning, "spool", "about 3 events wait in "+dir)
	if events, err := spool.Waiting(dir); events != 3 || err != nil {
		t.Errorf("%d events wait now, %v", events, err)
	}
	look(func(s *JetStream) { s.Spool.MaxSize = 1 << 60 }).Want(report.Warning, "spool disk", "are free on the disk")
	look().Want(report.OK, "spool disk", "are free, the spool may take 10 GiB")

	natstest.WriteFile(t, filepath.Join(dir, "undeliverable.ndjson"), "{}\n")
	look().Want(report.Warning, "spool", "undeliverable.ndjson holds 3 B of events that no stream could store")
	look().Want(report.Warning, "spool", "caddy segment-pixel replay --undeliverable")
	if err := os.Mkdir(filepath.Join(dir, "damaged"), 0o700); err != nil {
		t.Fatal(err)
	}
	natstest.WriteFile(t, filepath.Join(dir, "damaged", "00000000-0000000000000000-0123456789abcdef.wal"), "x")
	look().Want(report.Warning, "spool", "holds copies of damaged files (1): what could be read of them was delivered")

	dir = filepath.Join(dir, "undeliverable.ndjson")
	look().Want(report.Problem, "spool", "is not a directory")
	dir = filepath.Join(dir, "below")
	look().Want(report.Problem, "spool", "not a directory")
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
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })

	if found := ExamineForgotten([]Sink{old}); len(found) > 0 {
		t.Errorf("the spool of a sink is called forgotten: %v", found)
	}
	moved, _ := newJetStream(t, "nats://127.0.0.1:2", byDefault)
	conntest.Examined{T: t, Checks: ExamineForgotten([]Sink{moved})}.Want(report.Warning, "forgotten spool", "about 2 events wait in ")
	// One may have been given a name, in the place of the others.
	options, err := old.spoolOptions()
	if err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(filepath.Dir(options.Dir), "named")
	if err := os.Rename(options.Dir, named); err != nil {
		t.Fatal(err)
	}
	conntest.Examined{T: t, Checks: ExamineForgotten([]Sink{moved})}.Want(report.Warning, "forgotten spool", "about 2 events wait in "+named)
}
