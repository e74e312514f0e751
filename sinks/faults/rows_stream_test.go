// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// streamRows do something to the stream while NATS runs.
func streamRows() []row {
	return []row{
		{name: "stream deleted and created anew", fault: recreateStream},
		{name: "stream full, then raised", fault: fillStream},
	}
}

// recreateStream lets a stream take nothing more before it is deleted, so that
// all it held has been counted, and its last acks have been sent. No batch is cut by
// that: what it had stored without an ack would be sent to the new stream, too, which
// knows of no duplicates.
func recreateStream(s *scene) error {
	return inOrder(
		func() error {
			return s.quietly(func() error {
				return s.each(func(l *lane) error {
					return inOrder(l.storesAll, func() error {
						return s.broker.updateStream(l.way, func(c *jetstream.StreamConfig) {
							c.Subjects = []string{"nobody.publishes." + string(l.way)}
						})
					})
				})
			})
		},
		func() error { return s.lasts(300*time.Millisecond, 5*time.Second) },
		func() error {
			return s.each(func(l *lane) error {
				return inOrder(l.reader.catchUp, l.countTwice, func() error { return s.broker.deleteStream(l.way) })
			})
		},
		func() error { return s.lasts(500*time.Millisecond, 30*time.Second) },
		func() error {
			return s.each(func(l *lane) error {
				l.reader.forget()
				return s.broker.createStream(l.way)
			})
		})
}

func fillStream(s *scene) error {
	return inOrder(
		func() error {
			return s.each(func(l *lane) error {
				info, err := s.broker.info(l.way)
				if err != nil {
					return err
				}
				limit := int64(info.State.Msgs) + int64(rate()/4)
				return s.broker.updateStream(l.way, func(c *jetstream.StreamConfig) { c.MaxMsgs = limit })
			})
		},
		func() error { return s.answersFor(choose(2*time.Second, 30*time.Second)) },
		func() error {
			return s.each(func(l *lane) error {
				return s.broker.updateStream(l.way, func(*jetstream.StreamConfig) {})
			})
		})
}
