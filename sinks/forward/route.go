// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Route is the way to the stream. It belongs to a sink of one configuration; a
// reload gives the forwarder another one while it runs.
type Route interface {
	// Session returns the connection to NATS, or nil while there is none. When
	// there is one again, or another route, the forwarder wants to be woken.
	Session() *Session
	// Batched tells whether all events go to one stream that allows batched fast
	// publish. It is asked often and must not wait.
	Batched() bool
	// Look asks for a look at the stream, soon: an event found none.
	Look()
	// HasStream tells whether there is a stream now that takes events of the sink, if
	// perhaps not all.
	HasStream(context.Context, *Session) (bool, error)
	// Stream is the name of the stream that has to take the events, empty if any may.
	Stream() string
	// Observer is who counts what becomes of the events. It is never nil.
	Observer() Observer
	// Rejected is the subject on which an event that no stream can ever store is
	// shown, or empty.
	Rejected() string
}

// Session is one connection to NATS, from when it comes up until it is lost.
type Session struct {
	Conn *nats.Conn
	// JetStream has a timeout for acks: nats.go keeps the place of one that never
	// comes, and would have none left for others.
	JetStream  jetstream.JetStream
	MaxPayload int64           // of the server, in bytes
	Lost       <-chan struct{} // closed when the connection is lost
	// Denials are those of this session: a new one has its permissions looked up anew.
	// It is never nil.
	Denials *Denials
}
