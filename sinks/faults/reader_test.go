// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// streamReader reads a stream into a tally, going on where it stopped.
type streamReader struct {
	broker *broker
	way    way
	tally  tally
	last   uint64 // sequence of the last message that has been read
}

// catchUp reads what has been stored until now. Every message counts: that none is
// missing from what was read is checked against the sequence.
func (r *streamReader) catchUp() error {
	info, err := r.broker.info(r.way)
	if err != nil {
		return err
	}
	if info.State.LastSeq <= r.last {
		return nil
	}
	var consumer jetstream.Consumer
	if err = briefly(func(ctx context.Context) error {
		consumer, err = r.broker.js.OrderedConsumer(ctx, r.way.streamName(), jetstream.OrderedConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.last + 1,
		})
		return err
	}); err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for r.last < info.State.LastSeq {
		// A consumer may be on a server that has just gone; the next try gets another.
		msg, err := messages.Next(jetstream.NextMaxWait(2 * time.Second))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Stream != r.last+1 {
			return fmt.Errorf("after message %d of the stream comes %d", r.last, meta.Sequence.Stream)
		}
		r.last++
		r.tally.add(msg.Headers(), msg.Data())
	}
	return nil
}

// forget makes the reader begin with a new stream.
func (r *streamReader) forget() {
	r.last = 0
}

// readUntil reads until done is true of what has been read. It gives up when
// nothing has come for a long time.
func (r *streamReader) readUntil(what string, done func() bool) error {
	quiet := time.NewTimer(patience())
	defer quiet.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		before := r.tally.count
		err := r.catchUp()
		if done() {
			return nil
		}
		if r.tally.count > before {
			quiet.Reset(patience())
		}
		select {
		case <-tick.C:
		case <-quiet.C:
			return errors.Join(fmt.Errorf("nothing more was stored for %v: %s", patience(), what), err)
		}
	}
}
