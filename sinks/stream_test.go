// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// createdConfig lets a sink create the stream EVENTS and returns what the server
// then has.
func createdConfig(t *testing.T, server *server.Server, create *stream.Create) jetstream.StreamConfig {
	t.Helper()
	s, _ := startJetStream(t, server.ClientURL(), func(s *JetStream) {
		s.Stream = &stream.Stream{Name: "EVENTS", Create: create}
	})
	publish(t, s, newEvent("1"))
	stream, err := natstest.NewTestClient(t, server).Js.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	// The server notes its version here.
	config.Metadata = nil
	return config
}

func TestStreamCreate(t *testing.T) {
	natstest.CheckLeaks(t)
	// What the server fills in when nothing is said.
	base := jetstream.StreamConfig{
		Name: "EVENTS", Description: "events of the Caddy handler segment_pixel",
		MaxConsumers: -1, MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
		AllowDirect: false, AllowBatchPublish: true,
	}
	for _, test := range []struct {
		name   string
		create stream.Create
		want   func(*jetstream.StreamConfig)
	}{
		{"defaults", stream.Create{}, func(c *jetstream.StreamConfig) {
			c.Subjects, c.Storage, c.Replicas = []string{"segment.events.*.*"}, jetstream.FileStorage, 1
			c.MaxBytes, c.Discard, c.Duplicates = -1, jetstream.DiscardNew, 5*time.Minute
		}},
		{"all", stream.Create{
			Subjects: []string{"segment.>", "other"}, Storage: "memory", Replicas: 1, MaxBytes: 1 << 20,
			MaxAge: caddy.Duration(time.Hour), Discard: "old", DuplicateWindow: caddy.Duration(2 * time.Minute),
		}, func(c *jetstream.StreamConfig) {
			c.Subjects, c.Storage, c.Replicas = []string{"segment.>", "other"}, jetstream.MemoryStorage, 1
			c.MaxBytes, c.MaxAge = 1<<20, time.Hour
			c.Discard, c.Duplicates = jetstream.DiscardOld, 2*time.Minute
		}},
		{"short-lived", stream.Create{MaxAge: caddy.Duration(time.Minute)}, func(c *jetstream.StreamConfig) {
			c.Subjects, c.Storage, c.Replicas = []string{"segment.events.*.*"}, jetstream.FileStorage, 1
			c.MaxBytes, c.MaxAge = -1, time.Minute
			c.Discard, c.Duplicates = jetstream.DiscardNew, time.Minute
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := base
			test.want(&want)
			got := createdConfig(t, natstest.StartPlain(t, natstest.WithJetStream), &test.create)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

// TestStreamIsNeverChanged has a stream that differs from what is to be created in
// everything that can differ.
func TestStreamIsNeverChanged(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, jetstream.StreamConfig{
		Name: "EVENTS", Description: "the operator's", Subjects: []string{"segment.events.web.*"},
		Storage: jetstream.MemoryStorage, Discard: jetstream.DiscardOld, Duplicates: time.Second, MaxMsgs: 10,
	})
	read := func() jetstream.StreamConfig {
		t.Helper()
		stream, err := client.Js.Stream(t.Context(), "EVENTS")
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo().Config
	}
	before := read()
	s, logs := startJetStream(t, server.ClientURL(), func(s *JetStream) {
		s.Stream = &stream.Stream{Name: "EVENTS", Create: &stream.Create{Subjects: []string{"segment.>"}, MaxBytes: 1 << 20}}
	})
	publish(t, s, newEvent("1"))
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterLevelExact(zap.WarnLevel).Len() == 1 })
	if got := len(findings(t, logs.All()[0])); got != 5 {
		t.Errorf("%d findings, want 5: %q", got, findings(t, logs.All()[0]))
	}
	if after := read(); !reflect.DeepEqual(before, after) {
		t.Errorf("the stream was\n%+v\nand is\n%+v", before, after)
	}
}

func TestStreamConfigReplicas(t *testing.T) {
	for replicas, want := range map[int]int{0: 1, 1: 1, 3: 3, 5: 5} {
		stream := stream.Stream{Name: "S", Create: &stream.Create{Replicas: replicas}}
		if got := stream.Config("a").Replicas; got != want {
			t.Errorf("%d replicas for %d, want %d", got, replicas, want)
		}
	}
}

func TestStreamValidate(t *testing.T) {
	for _, test := range []struct {
		stream stream.Stream
		want   string // no error wanted if empty
	}{
		{stream.Stream{Name: "EVENTS"}, ""},
		{stream.Stream{Name: "events-2_b"}, ""},
		{stream.Stream{Name: "S", Create: &stream.Create{}}, ""},
		{stream.Stream{Name: "S", Create: &stream.Create{Subjects: []string{"other", "a.>"}, Storage: "file", Replicas: 5}}, ""},
		{stream.Stream{}, "stream needs a name"},
		{stream.Stream{Name: "a.b"}, "must not hold dots"},
		{stream.Stream{Name: "a/b"}, "slashes"},
		{stream.Stream{Name: `a\b`}, "slashes"},
		{stream.Stream{Name: "*"}, "wildcards"},
		{stream.Stream{Name: "a b"}, "spaces"},
		{stream.Stream{Name: "é"}, "outside of ASCII"},
		{stream.Stream{Name: "S", Create: &stream.Create{Storage: "disk"}}, "write file or memory"},
		{stream.Stream{Name: "S", Create: &stream.Create{Discard: "none"}}, "write new or old"},
		{stream.Stream{Name: "S", Create: &stream.Create{Replicas: 6}}, "write 1 to 5"},
		{stream.Stream{Name: "S", Create: &stream.Create{Replicas: -1}}, "write 1 to 5"},
		{stream.Stream{Name: "S", Create: &stream.Create{MaxBytes: -1}}, "must not be negative"},
		{stream.Stream{Name: "S", Create: &stream.Create{MaxAge: -1}}, "must not be negative"},
		{stream.Stream{Name: "S", Create: &stream.Create{DuplicateWindow: -1}}, "must not be negative"},
		{stream.Stream{Name: "S", Create: &stream.Create{Subjects: []string{"a.b", "b.*"}}}, "covers a.*"},
	} {
		err := test.stream.Validate("a.*")
		switch {
		case test.want != "":
			natstest.WantError(t, err, test.want)
		case err != nil:
			t.Errorf("%+v: %v", test.stream, err)
		}
	}
}

func TestJetStreamValidate(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{`{"ack_timeout":-1}`, "ack_timeout must be positive"},
		{`{"user":"a"}`, "user needs a password"},
		{`{"msg_id":"random"}`, "msg_id is"},
		{`{"subject":"a.>"}`, "wildcard"},
		{`{"subject":"a.{type}","stream":{"name":"S","create":{"subjects":["b"]}}}`, "covers a.*"},
		{`{"token":"{env.TEST_UNSET}"}`, "token: the environment variable TEST_UNSET is not set or empty"},
		{`{"acktimeout":1}`, "unknown field"},
	} {
		_, err := moduleContext(t).LoadModuleByID(Namespace+".jetstream", []byte(test.config))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.config, err, test.want)
		}
	}
}
