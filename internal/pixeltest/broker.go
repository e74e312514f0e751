// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
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
	s := natstest.Start(t, func(o *server.Options) { o.Port = port })
	b := ConnectTo(t, s.ClientURL())
	b.Server = s
	return b
}

// ConnectTo returns a broker that somebody else runs.
func ConnectTo(t *testing.T, url string) *Broker {
	t.Helper()
	c := natstest.Connect(t, url)
	return &Broker{T: t, Client: c.Conn, Js: c.Js}
}

func (b *Broker) client() natstest.TestClient { return natstest.TestClient{Conn: b.Client, Js: b.Js} }

// StartServer starts a quiet server on this machine until the end of the test.
func StartServer(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	return natstest.Run(t, options)
}

// CreateStream creates the stream SEGMENT as the README recommends it.
func (b *Broker) CreateStream() {
	b.T.Helper()
	config := natstest.EventStream()
	config.Name = "SEGMENT"
	b.client().Create(b.T, config)
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
	return b.client().StoredIn(b.T, "SEGMENT")
}

// Subscribe collects what is published to a subject from now on.
func (b *Broker) Subscribe(subject string) <-chan *nats.Msg {
	b.T.Helper()
	return b.client().Receive(b.T, subject)
}
