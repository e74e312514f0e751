// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// broker is a NATS server with JetStream and a client of the test's own.
type broker struct {
	t      *testing.T
	server *server.Server
	client *nats.Conn
	js     jetstream.JetStream
}

// startNATS starts a server on a port of its own, or on the one given.
func startNATS(t *testing.T, port int) *broker {
	t.Helper()
	s := startServer(t, &server.Options{Port: port, JetStream: true, StoreDir: t.TempDir()})
	b := &broker{t: t, server: s}
	var err error
	if b.client, err = nats.Connect(s.ClientURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	if b.js, err = jetstream.New(b.client); err != nil {
		t.Fatal(err)
	}
	return b
}

// startServer starts a quiet server on this machine until the end of the test.
func startServer(t *testing.T, options *server.Options) *server.Server {
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
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS does not get ready")
	}
	return s
}

// createStream creates the stream SEGMENT as the README recommends it.
func (b *broker) createStream() {
	b.t.Helper()
	_, err := b.js.CreateStream(b.t.Context(), jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, Discard: jetstream.DiscardNew,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// totalConnections is how many connections the server has seen in its life.
func (b *broker) totalConnections() uint64 {
	b.t.Helper()
	varz, err := b.server.Varz(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return varz.TotalConnections
}

// await waits until the stream has n messages, and returns them all.
func (b *broker) await(n int) []*jetstream.RawStreamMsg {
	b.t.Helper()
	eventually(b.t, "the stream has the events", func() bool {
		stream, err := b.js.Stream(b.t.Context(), "SEGMENT")
		return err == nil && stream.CachedInfo().State.Msgs >= uint64(n)
	})
	return b.stored()
}

// stored returns every message of the stream.
func (b *broker) stored() []*jetstream.RawStreamMsg {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	stream, err := b.js.Stream(ctx, "SEGMENT")
	if err != nil {
		b.t.Fatal(err)
	}
	state := stream.CachedInfo().State
	var msgs []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if err != nil {
			b.t.Fatal(err)
		}
		msgs = append(msgs, msg)
	}
	return msgs
}

// subscribe collects what is published to a subject from now on.
func (b *broker) subscribe(subject string) <-chan *nats.Msg {
	b.t.Helper()
	msgs := make(chan *nats.Msg, 1000)
	if _, err := b.client.ChanSubscribe(subject, msgs); err != nil {
		b.t.Fatal(err)
	}
	if err := b.client.Flush(); err != nil {
		b.t.Fatal(err)
	}
	return msgs
}
