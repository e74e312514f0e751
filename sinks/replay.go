// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// RejectedFilter says which rejected requests are read.
type RejectedFilter struct {
	// Stream is the stream that keeps them. Default: the one that covers the
	// rejected subject.
	Stream string
	// Reasons are those wanted. Default: all
	Reasons []string
	// From is the first sequence number of the stream that is looked at, and Since
	// the first time. At most one of them is set.
	From  uint64
	Since time.Time
}

// Rejected is a rejected request as a stream has kept it.
type Rejected struct {
	Sequence uint64
	Time     time.Time // when the stream got it, right after the request came
	Reason   string
	Type     pixel.Type
	Source   string // empty if the write key was not known
	Query    string
	Cut      bool // the query was longer than what is kept of it
}

// RejectedReader reads rejected requests from a stream, up to what was there when it
// was opened: what is rejected meanwhile is not read.
type RejectedReader struct {
	// Stream is the name of the stream.
	Stream string
	// Last is its last sequence number, and Waiting how many requests are to be read.
	Last, Waiting uint64

	prefix   string
	probe    *natsconn.Probe
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
	done     bool
}

// rejectedSource is a sink that publishes rejected requests.
type rejectedSource interface {
	// rejectedOn returns where they are, with an empty prefix if they are nowhere.
	rejectedOn() (connection natsconn.Connection, domain, prefix string)
}

func (s *NATS) rejectedOn() (connection natsconn.Connection, domain, prefix string) {
	return s.Connection, "", s.rejectedPrefix()
}

func (s *JetStream) rejectedOn() (connection natsconn.Connection, domain, prefix string) {
	return s.Connection, s.Domain, s.rejectedPrefix()
}

// PublishesRejected tells whether a sink publishes rejected requests to NATS.
func PublishesRejected(sink Sink) bool {
	source, ok := sink.(rejectedSource)
	if !ok {
		return false
	}
	_, _, prefix := source.rejectedOn()
	return prefix != ""
}

// OpenRejected opens the rejected requests of a sink, over a connection of its own. The
// sink has been provisioned and need not be started. To be closed.
func OpenRejected(ctx context.Context, sink Sink, filter RejectedFilter) (*RejectedReader, error) {
	source, ok := sink.(rejectedSource)
	if !ok {
		return nil, errors.New("the sink publishes no rejected requests: name a nats or jetstream sink")
	}
	configured, domain, prefix := source.rejectedOn()
	if prefix == "" {
		return nil, errors.New("the sink has rejected off: there are no rejected requests to be read")
	}
	p, err := natsconn.Connect(ctx, configured, domain)
	if err != nil {
		return nil, err
	}
	r := &RejectedReader{prefix: prefix, probe: p}
	if err := r.open(ctx, filter); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *RejectedReader) open(ctx context.Context, filter RejectedFilter) error {
	stream, err := r.find(ctx, filter.Stream)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	r.Stream, r.Last = info.Config.Name, info.State.LastSeq
	if r.consumer, err = stream.OrderedConsumer(ctx, r.consumerConfig(filter)); err != nil {
		return fmt.Errorf("reading the stream %s: %s", r.Stream, r.probe.Scrub(err))
	}
	if r.Waiting = r.consumer.CachedInfo().NumPending; r.Waiting == 0 {
		r.done = true
		return nil
	}
	if r.messages, err = r.consumer.Messages(); err != nil {
		return fmt.Errorf("reading the stream %s: %s", r.Stream, r.probe.Scrub(err))
	}
	return nil
}

func (r *RejectedReader) consumerConfig(filter RejectedFilter) jetstream.OrderedConsumerConfig {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{r.prefix + ".*"}}
	if len(filter.Reasons) > 0 {
		config.FilterSubjects = nil
	}
	for _, reason := range filter.Reasons {
		config.FilterSubjects = append(config.FilterSubjects, r.prefix+"."+reason)
	}
	switch {
	case filter.From > 0:
		config.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		config.OptStartSeq = filter.From
	case !filter.Since.IsZero():
		config.DeliverPolicy = jetstream.DeliverByStartTimePolicy
		config.OptStartTime = &filter.Since
	}
	return config
}

// find returns the stream that keeps the rejected requests.
func (r *RejectedReader) find(ctx context.Context, name string) (jetstream.Stream, error) {
	var err error
	if name == "" {
		name, err = r.probe.Js.StreamNameBySubject(ctx, r.prefix+".*")
	}
	var stream jetstream.Stream
	if err == nil {
		stream, err = r.probe.Js.Stream(ctx, name)
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if name != "" {
			return nil, fmt.Errorf("there is no stream %s: see `nats stream ls --subjects`", name)
		}
		return nil, fmt.Errorf("no stream keeps %s.*, so what was rejected until now is gone; to keep what is rejected from now on: "+
			"nats stream add SEGMENT_REJECTED --subjects '%s.>' --max-age 30d --max-bytes 1GiB --discard old --defaults", r.prefix, r.prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the stream that keeps %s.*: %s", r.prefix, r.probe.Scrub(err))
	}
	return stream, nil
}

// replayQuiet is how long nothing comes before the stream is asked whether anything will:
// it may have dropped its oldest messages.
const replayQuiet = 2 * time.Second

// Next returns the next rejected request, or io.EOF.
func (r *RejectedReader) Next(ctx context.Context) (*Rejected, error) {
	for !r.done {
		waiting, cancel := context.WithTimeout(ctx, replayQuiet)
		msg, err := r.messages.Next(jetstream.NextContext(waiting))
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			if err := r.ask(ctx); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, fmt.Errorf("reading the stream %s: %s", r.Stream, r.probe.Scrub(err))
		}
		if rejected := r.take(msg); rejected != nil {
			return rejected, nil
		}
	}
	return nil, io.EOF
}

func (r *RejectedReader) ask(ctx context.Context) error {
	info, err := r.consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the stream %s: %s", r.Stream, r.probe.Scrub(err))
	}
	r.done = info.NumPending == 0 && info.NumAckPending == 0
	return nil
}

// take returns nil for a message that came after the reader was opened.
func (r *RejectedReader) take(msg jetstream.Msg) *Rejected {
	meta, err := msg.Metadata()
	if err != nil || meta.Sequence.Stream > r.Last {
		r.done = true
		return nil
	}
	r.done = meta.NumPending == 0 || meta.Sequence.Stream == r.Last
	header := msg.Headers()
	rejected := &Rejected{
		Sequence: meta.Sequence.Stream,
		Time:     meta.Timestamp,
		Reason:   header.Get("Segment-Reason"),
		Type:     pixel.ParseType(header.Get("Segment-Type")),
		Source:   header.Get("Segment-Source"),
		Query:    string(msg.Data()),
		Cut:      len(msg.Data()) >= pixel.MaxRejectedQuery,
	}
	if rejected.Reason == "" {
		rejected.Reason = msg.Subject()[strings.LastIndexByte(msg.Subject(), '.')+1:]
	}
	return rejected
}

// closeWait is how long the server may take to drop the consumer, which it does by
// itself after some minutes.
const closeWait = time.Second

// Close ends reading. It may be called at any time.
func (r *RejectedReader) Close() {
	if r.messages != nil {
		r.messages.Stop()
	}
	if r.consumer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeWait)
		defer cancel()
		_ = r.probe.Js.DeleteConsumer(ctx, r.Stream, r.consumer.CachedInfo().Name)
	}
	if r.probe != nil {
		r.probe.Close()
	}
}
