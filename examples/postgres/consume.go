// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	batchSize = 500
	batchWait = time.Second // how long a batch gathers that does not get full

	// ackWait is how long NATS waits until it delivers an event again. While a batch is
	// held, because the database is away, NATS is told to go on waiting.
	ackWait = 10 * time.Second
)

// consume stores one batch after the other, and acknowledges each when it is committed.
// What is lost in between, by a crash of anything, is delivered and inserted again, and
// the id of the row keeps it from being there twice.
func consume(ctx context.Context, consumer jetstream.Consumer, s *store) error {
	for ctx.Err() == nil {
		batch, err := next(ctx, consumer)
		if err != nil && ctx.Err() == nil {
			log.Printf("fetching: %v", err)
			time.Sleep(time.Second)
		}
		if len(batch) == 0 {
			continue
		}
		rows := make([]row, len(batch))
		for i, msg := range batch {
			rows[i] = rowOf(msg)
		}
		held := hold(batch)
		retry(ctx, "storing", func(ctx context.Context) error { return s.insert(ctx, rows) })
		held()
		if ctx.Err() != nil {
			return nil // Whether it was committed or not, it is not acknowledged.
		}
		for _, msg := range batch {
			_ = msg.Ack() // One that is lost has the event delivered once more.
		}
	}
	return nil
}

// next gathers up to a batch of messages.
func next(ctx context.Context, consumer jetstream.Consumer) ([]jetstream.Msg, error) {
	fetched, err := consumer.Fetch(batchSize, jetstream.FetchMaxWait(batchWait))
	if err != nil {
		return nil, err
	}
	var batch []jetstream.Msg
	for msg := range fetched.Messages() {
		batch = append(batch, msg)
	}
	if err := fetched.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil {
		return batch, err
	}
	return batch, nil
}

// hold keeps NATS from delivering a batch again while it waits for the database.
func hold(batch []jetstream.Msg) (release func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(ackWait / 4)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				for _, msg := range batch {
					_ = msg.InProgress()
				}
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// rowOf names a row as the stream names the message: by its id or, without one, by its
// place in the stream.
func rowOf(msg jetstream.Msg) row {
	r := row{id: msg.Headers().Get(nats.MsgIdHdr), receivedAt: time.Now(), body: msg.Data()}
	if meta, err := msg.Metadata(); err == nil {
		r.receivedAt = meta.Timestamp
		if r.id == "" {
			r.id = fmt.Sprintf("%s#%d", meta.Stream, meta.Sequence.Stream)
		}
	}
	return r
}
