// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
)

// keepRejected creates a stream for rejected requests.
func keepRejected(t *testing.T, c natstest.TestClient) jetstream.Stream {
	t.Helper()
	stream, err := c.Js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "REJECTED", Subjects: []string{"segment.rejected.>", "other"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// publishTo puts a message into a stream.
func publishTo(t *testing.T, c natstest.TestClient, msg *nats.Msg) {
	t.Helper()
	if _, err := c.Js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

func openRejected(t *testing.T, sink Sink, filter RejectedFilter) *RejectedReader {
	t.Helper()
	r, err := OpenRejected(t.Context(), sink, filter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestRejectedReader(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, s)
	stream := keepRejected(t, client)
	sink := newNATS(t, s.ClientURL(), nil)

	rejections := []*pixel.Rejection{
		{Reason: pixel.NoIdentity, Source: "web", Type: pixel.Track, Query: "event=e"},
		{Reason: pixel.UnknownRoute, Query: strings.Repeat("x", pixel.MaxRejectedQuery)},
	}
	for _, rejection := range rejections {
		publishTo(t, client, sink.rejection(rejection))
	}
	publishTo(t, client, nats.NewMsg("other"))
	publishTo(t, client, &nats.Msg{Subject: "segment.rejected.no_data"})
	reader := openRejected(t, sink, RejectedFilter{})
	if reader.Stream != "REJECTED" || reader.Last != 4 || reader.Waiting != 3 {
		t.Errorf("opened %s with %d waiting of %d", reader.Stream, reader.Waiting, reader.Last)
	}
	// This one comes too late.
	publishTo(t, client, sink.rejection(rejections[0]))

	want := []Rejected{
		{Sequence: 1, Reason: "no_identity", Type: pixel.Track, Source: "web", Query: "event=e"},
		{Sequence: 2, Reason: "unknown_route", Query: rejections[1].Query, Cut: true},
		{Sequence: 4, Reason: "no_data"},
	}
	for _, w := range want {
		got, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(got.Time) > natstest.Patience {
			t.Errorf("message %d is of %v", got.Sequence, got.Time)
		}
		got.Time = time.Time{}
		if *got != w {
			t.Errorf("got %+v, want %+v", got, w)
		}
	}
	for range 2 {
		if got, err := reader.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("got %+v and %v behind the end", got, err)
		}
	}
	reader.Close()
	for name := range stream.ConsumerNames(t.Context()).Name() {
		t.Errorf("the consumer %s is left", name)
	}
	conntest.WantEmptyPool(t)
}

// A stream may drop what it had when the reader was opened.
func TestRejectedReaderEndsWhenMessagesAreGone(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, s)
	stream := keepRejected(t, client)
	const n = 2000 // more than a consumer is sent at once
	for range n {
		if _, err := client.Js.PublishMsgAsync(&nats.Msg{Subject: "segment.rejected.no_data", Data: make([]byte, 100)}); err != nil {
			t.Fatal(err)
		}
	}
	<-client.Js.PublishAsyncComplete()
	reader := openRejected(t, newNATS(t, s.ClientURL(), nil), RejectedFilter{})
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), natstest.Patience)
	defer cancel()
	read := 0
	for {
		_, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if read >= n {
		t.Errorf("read %d messages of a stream that was purged", read)
	}
}

func TestRejectedReaderSaysWhatIsWrong(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, func(o *server.Options) {
		natstest.WithJetStream(o)
		o.Users = []*server.User{{Username: "alice", Password: "s3cret"}}
	})
	login := func(n *NATS) { n.User, n.Password = "alice", "s3cret" }
	for _, test := range []struct {
		name   string
		sink   Sink
		filter RejectedFilter
		want   string
	}{
		{"another sink", loadSink(t, "log", ""), RejectedFilter{}, "name a nats or jetstream sink"},
		{"off", newNATS(t, s.ClientURL(), func(n *NATS) { n.Rejected = "off" }), RejectedFilter{}, "has rejected off"},
		{"no stream", newNATS(t, s.ClientURL(), login), RejectedFilter{}, "nats stream add SEGMENT_REJECTED --subjects 'segment.rejected.>'"},
		{"no such stream", newNATS(t, s.ClientURL(), login), RejectedFilter{Stream: "NONE"}, "there is no stream NONE"},
		{"no login", newNATS(t, s.ClientURL(), nil), RejectedFilter{}, "it refuses the login"},
		{"a wrong login", newNATS(t, s.ClientURL(), func(n *NATS) { n.User, n.Password = "alice", "not s3cret" }), RejectedFilter{}, "check the option user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := OpenRejected(t.Context(), test.sink, test.filter)
			natstest.WantError(t, err, test.want)
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}
