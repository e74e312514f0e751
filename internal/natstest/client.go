// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// WithJetStream turns JetStream on.
func WithJetStream(o *server.Options) { o.JetStream = true }

// EventStream is a stream that takes all events and has nothing to be warned of.
func EventStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "EVENTS", Subjects: []string{"segment.events.>"}, Discard: jetstream.DiscardNew,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	}
}

// TestClient is a client of the test's own.
type TestClient struct {
	*nats.Conn
	Js jetstream.JetStream
}

// NewTestClient connects until the test ends.
func NewTestClient(t *testing.T, s *server.Server) TestClient {
	t.Helper()
	return Connect(t, s.ClientURL())
}

// Connect does the same with a server that somebody else may run.
func Connect(t *testing.T, url string) TestClient {
	t.Helper()
	conn, err := nats.Connect(url, nats.Timeout(Patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(Patience))
	if err != nil {
		t.Fatal(err)
	}
	return TestClient{conn, js}
}

// Create creates a stream.
func (c TestClient) Create(t *testing.T, config jetstream.StreamConfig) {
	t.Helper()
	Eventually(t, "the condition holds", func() bool {
		_, err := c.Js.CreateStream(t.Context(), config)
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

// Stored returns the messages of the stream EVENTS.
func (c TestClient) Stored(t *testing.T) []*jetstream.RawStreamMsg {
	t.Helper()
	return c.StoredIn(t, "EVENTS")
}

// StoredIn returns the messages of a stream.
func (c TestClient) StoredIn(t *testing.T, name string) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := c.Js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	var msgs []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, msg)
	}
	return msgs
}

// Receive returns what comes to a subject from now on.
func (c TestClient) Receive(t *testing.T, subject string) <-chan *nats.Msg {
	t.Helper()
	msgs := make(chan *nats.Msg, 1000)
	if _, err := c.ChanSubscribe(subject, msgs); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	return msgs
}
