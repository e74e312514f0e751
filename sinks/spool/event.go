// SPDX-License-Identifier: Apache-2.0

package spool

// Event is what is to be published.
type Event struct {
	Subject     string
	MessageID   string // the value of Nats-Msg-Id; empty if the message has none
	TraceParent string // empty if there is none
	Body        []byte
}

// Position is the place of an event in the log.
type Position struct {
	Segment  int
	Sequence uint64
}

// Entry is an event with its place.
type Entry struct {
	Event
	Position
}
