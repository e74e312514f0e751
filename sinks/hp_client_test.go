// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func withJetStream(o *server.Options) { o.JetStream = true }

// eventStream is a stream that takes all events and has nothing to be warned of.
func eventStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "EVENTS", Subjects: []string{"segment.events.>"}, Discard: jetstream.DiscardNew,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	}
}

// testClient is a client of the test's own.
type testClient struct {
	*nats.Conn
	js jetstream.JetStream
}

func newTestClient(t *testing.T, s *server.Server) testClient {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return testClient{conn, js}
}

func (c testClient) create(t *testing.T, config jetstream.StreamConfig) {
	t.Helper()
	eventually(t, patience, func() bool {
		_, err := c.js.CreateStream(t.Context(), config)
		if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == codeStoreNotCreated {
			return false
		}
		if err != nil {
			t.Fatalf("creating the stream: %v", err)
		}
		return true
	})
}

// codeStoreNotCreated is what nats-server says while it still removes the files of a
// stream that had the same name.
const codeStoreNotCreated = 10049

// stored returns the messages of the stream EVENTS.
func (c testClient) stored(t *testing.T) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := c.js.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	var msgs []*jetstream.RawStreamMsg
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, msg)
	}
	return msgs
}

// subscribe returns what comes to a subject from now on.
func (c testClient) subscribe(t *testing.T, subject string) <-chan *nats.Msg {
	t.Helper()
	msgs := make(chan *nats.Msg, 100)
	if _, err := c.ChanSubscribe(subject, msgs); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	return msgs
}
