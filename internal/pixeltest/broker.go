// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Broker is a NATS server with JetStream and a client of the test's own.
type Broker struct {
	T      *testing.T
	Server *server.Server
	Client *nats.Conn
	Js     jetstream.JetStream
}

// StartNATS starts a server on a port of its own, or on the one given.
func StartNATS(t *testing.T, port int) *Broker {
	t.Helper()
	s := StartServer(t, &server.Options{Port: port, JetStream: true, StoreDir: t.TempDir()})
	b := &Broker{T: t, Server: s}
	var err error
	if b.Client, err = nats.Connect(s.ClientURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Client.Close)
	if b.Js, err = jetstream.New(b.Client); err != nil {
		t.Fatal(err)
	}
	return b
}

// StartServer starts a quiet server on this machine until the end of the test.
func StartServer(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	options.Host, options.NoLog, options.NoSigs = "127.0.0.1", true, true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(Patience) {
		t.Fatal("NATS does not get ready")
	}
	return s
}

// CreateStream creates the stream SEGMENT as the README recommends it.
func (b *Broker) CreateStream() {
	b.T.Helper()
	_, err := b.Js.CreateStream(b.T.Context(), jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, Discard: jetstream.DiscardNew,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	})
	if err != nil {
		b.T.Fatal(err)
	}
}

// TotalConnections is how many connections the server has seen in its life.
func (b *Broker) TotalConnections() uint64 {
	b.T.Helper()
	varz, err := b.Server.Varz(nil)
	if err != nil {
		b.T.Fatal(err)
	}
	return varz.TotalConnections
}

// Await waits until the stream has n messages, and returns them all.
func (b *Broker) Await(n int) []*jetstream.RawStreamMsg {
	b.T.Helper()
	Eventually(b.T, "the stream has the events", func() bool {
		stream, err := b.Js.Stream(b.T.Context(), "SEGMENT")
		return err == nil && stream.CachedInfo().State.Msgs >= uint64(n)
	})
	return b.Stored()
}

// Stored returns every message of the stream.
func (b *Broker) Stored() []*jetstream.RawStreamMsg {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.T.Context(), Patience)
	defer cancel()
	stream, err := b.Js.Stream(ctx, "SEGMENT")
	if err != nil {
		b.T.Fatal(err)
	}
	state := stream.CachedInfo().State
	var msgs []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if err != nil {
			b.T.Fatal(err)
		}
		msgs = append(msgs, msg)
	}
	return msgs
}

// Subscribe collects what is published to a subject from now on.
func (b *Broker) Subscribe(subject string) <-chan *nats.Msg {
	b.T.Helper()
	msgs := make(chan *nats.Msg, 1000)
	if _, err := b.Client.ChanSubscribe(subject, msgs); err != nil {
		b.T.Fatal(err)
	}
	if err := b.Client.Flush(); err != nil {
		b.T.Fatal(err)
	}
	return msgs
}
