// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// Published is what became of an event that was set aside. The zero value means that
// it is not known.
type Published struct {
	Stored bool // or would be
	Before bool // it was stored already, as its message id told the stream
	// Refused is why NATS does not store it.
	Refused string
}

// UndeliverablePublisher publishes events that were set aside, over a connection of
// its own, with the login of a sink.
type UndeliverablePublisher struct {
	probe   *natsconn.Probe
	stream  string               // that has to take the events, if the sink names one
	streams map[string]streamFor // by subject, as far as they were asked for
	lost    <-chan nats.Status   // tells that the connection has ended
}

// streamFor is what takes a subject.
type streamFor struct {
	refused string // why nothing does
	name    string
	maxSize int64 // of a message, if positive
}

// OpenUndeliverable connects with the login of a jetstream sink, which has been
// provisioned and need not be started. To be closed.
func OpenUndeliverable(ctx context.Context, sink Sink) (*UndeliverablePublisher, error) {
	s, ok := sink.(*JetStream)
	if !ok {
		return nil, errors.New("the sink has no streams: name a jetstream sink")
	}
	p, err := natsconn.Connect(ctx, s.Connection, s.Domain)
	if err != nil {
		return nil, err
	}
	return &UndeliverablePublisher{
		probe:   p,
		stream:  s.streamName(),
		streams: make(map[string]streamFor),
		lost:    p.Nc.StatusChanged(nats.CLOSED),
	}, nil
}

// Close ends the connection.
func (u *UndeliverablePublisher) Close() { u.probe.Close() }

// Publish publishes events and waits until each is stored or refused. After an error,
// what became of some is not known: with the same message ids, they can be published
// again, and none is stored twice within the duplicate window of the stream.
func (u *UndeliverablePublisher) Publish(ctx context.Context, events []*Undeliverable) ([]Published, error) {
	results := make([]Published, len(events))
	acks := make([]jetstream.PubAckFuture, len(events))
	var fatal error
	for i, event := range events {
		if u.denied(event.Subject) {
			results[i].Refused = forward.ErrDenied.Error()
			continue
		}
		if acks[i], fatal = u.probe.Js.PublishMsgAsync(forward.Expect(event.message(), u.stream)); fatal != nil {
			if results[i].Refused, fatal = u.refusal(fatal); fatal != nil {
				break
			}
		}
	}
	for i, ack := range acks {
		if ack == nil {
			continue
		}
		var err error
		if results[i], err = u.await(ctx, ack, events[i].Subject); err != nil {
			return results, err
		}
	}
	return results, fatal
}

// await waits for one ack, which nats.go gives up after a while.
func (u *UndeliverablePublisher) await(ctx context.Context, ack jetstream.PubAckFuture, subject string) (Published, error) {
	for {
		denials := u.probe.Denials.Next()
		if u.denied(subject) {
			return Published{Refused: forward.ErrDenied.Error()}, nil
		}
		select {
		case stored := <-ack.Ok():
			return Published{Stored: true, Before: stored.Duplicate}, nil
		case err := <-ack.Err():
			refused, err := u.refusal(err)
			return Published{Refused: refused}, err
		case <-denials:
		case <-u.lost:
			return Published{}, forward.ErrNotConnected
		case <-ctx.Done():
			return Published{}, ctx.Err()
		}
	}
}

// denied tells whether the server has denied us to publish to a subject.
func (u *UndeliverablePublisher) denied(subject string) bool {
	return u.probe.Denials.Since(subject, time.Time{})
}

// refusal parts what NATS says of one event from what keeps all from being published.
func (u *UndeliverablePublisher) refusal(err error) (refused string, fatal error) {
	_, answered := errors.AsType[*jetstream.APIError](err)
	explained := u.probe.Scrub(forward.Explain(err))
	switch {
	case answered, forward.IsNoStream(err), forward.CanNeverBeStored(err):
		return explained, nil
	case errors.Is(err, jetstream.ErrAsyncPublishTimeout) && u.probe.Nc.IsConnected():
		return "", forward.ErrNoAck
	case !u.probe.Nc.IsConnected():
		return "", forward.ErrNotConnected
	}
	return "", errors.New(explained)
}

// Check tells what would become of an event, without publishing it.
func (u *UndeliverablePublisher) Check(ctx context.Context, event *Undeliverable) (Published, error) {
	stream, known := u.streams[event.Subject]
	if !known {
		var err error
		if stream, err = u.ask(ctx, event.Subject); err != nil {
			return Published{}, fmt.Errorf("asking for the stream that takes %s, which only --dry-run does: %s", event.Subject, u.probe.Scrub(err))
		}
		u.streams[event.Subject] = stream
	}
	size, limit := int64(event.message().Size()-len(event.Subject)), u.probe.Nc.MaxPayload()
	switch {
	case stream.refused != "":
		return Published{Refused: stream.refused}, nil
	case size > limit:
		return Published{Refused: forward.Explain(nats.ErrMaxPayload).Error()}, nil
	case stream.maxSize > 0 && size > stream.maxSize:
		return Published{Refused: fmt.Sprintf("the event is larger than the stream %s takes: raise its max_msg_size", stream.name)}, nil
	}
	return Published{Stored: true}, nil
}

func (u *UndeliverablePublisher) ask(ctx context.Context, subject string) (streamFor, error) {
	name, err := u.probe.Js.StreamNameBySubject(ctx, subject)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return streamFor{refused: forward.Explain(jetstream.ErrNoStreamResponse).Error()}, nil
	}
	if err != nil {
		return streamFor{}, err
	}
	stream, err := u.probe.Js.Stream(ctx, name)
	if err != nil {
		return streamFor{}, err
	}
	config := stream.CachedInfo().Config
	found := streamFor{name: name, maxSize: int64(config.MaxMsgSize)}
	if u.stream != "" && name != u.stream {
		found.refused = "the subject belongs to the stream " + name + ", and the sink names " + u.stream
	} else if config.Sealed {
		found.refused = "the stream " + name + " is sealed and takes nothing more"
	}
	return found, nil
}
