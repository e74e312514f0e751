// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// retryWait is the pause before looking again for what is not there yet.
	retryWait = 500 * time.Millisecond

	// A batch ends after so many events, or so much time if there are fewer.
	// The time is also how long a signal may take to stop the program.
	batchSize = 500
	batchWait = time.Second
)

// config says what to print and where it comes from.
type config struct {
	server, stream, durable, subject string
	creds, token                     string    // empty for none
	notes                            io.Writer // gets a line about every wait
}

// run prints events to out until ctx is done, which is not an error. It waits
// for the server and the stream for as long as it takes, and fails if the
// server refuses the client or the consumer, or if out cannot be written.
func run(ctx context.Context, out io.Writer, cfg config) error {
	// live ends with ctx, or with the connection if the server refuses us.
	live, end := context.WithCancelCause(ctx)
	defer end(nil)

	nc, err := nats.Connect(cfg.server, cfg.connectOptions(end)...)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", cfg.server, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}

	for live.Err() == nil {
		consumer, err := openConsumer(live, js, cfg)
		if err != nil {
			return err
		}
		if consumer == nil {
			break
		}
		if err := printEvents(live, nc, consumer, out, cfg.notes); err != nil {
			return err
		}
		pause(live)
	}

	if ctx.Err() == nil {
		return fmt.Errorf("connecting to %s: %w", cfg.server, context.Cause(live))
	}
	// Acks are sent without waiting. An event whose ack does not arrive is
	// printed again by the next run.
	_ = nc.FlushTimeout(time.Second)
	return nil
}

// connectOptions makes the connection last: it is tried again for ever, at the
// start as well as later. Only a server that refuses the client twice in a row
// ends it, and then end gets the reason.
func (cfg config) connectOptions(end context.CancelCauseFunc) []nats.Option {
	opts := []nats.Option{
		nats.Name("segment_pixel example consumer"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ClosedHandler(func(nc *nats.Conn) { end(nc.LastError()) }),
	}
	if cfg.creds != "" {
		opts = append(opts, nats.UserCredentials(cfg.creds))
	}
	if cfg.token != "" {
		opts = append(opts, nats.Token(cfg.token))
	}
	return opts
}

// openConsumer returns the durable consumer, which it creates if need be. It
// waits until there are a server and a stream, and says once what it waits for.
// It returns nil when ctx ends the wait.
func openConsumer(ctx context.Context, js jetstream.JetStream, cfg config) (jetstream.Consumer, error) {
	noted := ""
	wait := func(what string) {
		if what != noted {
			_, _ = fmt.Fprintf(cfg.notes, "waiting for %s\n", what)
			noted = what
		}
		pause(ctx)
	}

	for ctx.Err() == nil {
		if !js.Conn().IsConnected() {
			wait("NATS at " + cfg.server)
			continue
		}
		consumer, err := js.CreateOrUpdateConsumer(ctx, cfg.stream, jetstream.ConsumerConfig{
			// The server remembers under this name what was acknowledged, so
			// that the next run goes on where this one stops.
			Durable:       cfg.durable,
			FilterSubject: cfg.subject,
			AckPolicy:     jetstream.AckExplicitPolicy,
		})
		switch {
		case err == nil:
			return consumer, nil
		case errors.Is(err, jetstream.ErrStreamNotFound):
			wait("stream " + cfg.stream)
		case permanent(err):
			return nil, fmt.Errorf("opening consumer %s of stream %s: %w", cfg.durable, cfg.stream, err)
		default:
			wait(fmt.Sprintf("JetStream at %s: %v", cfg.server, err))
		}
	}
	return nil, nil
}

// permanent reports whether trying again is useless: JetStream refuses the
// consumer, as opposed to a connection or a server that has difficulties.
func permanent(err error) bool {
	var refusal jetstream.JetStreamError
	if !errors.As(err, &refusal) {
		return false
	}
	answer := refusal.APIError()
	return answer == nil || answer.Code < 500
}

// printEvents prints and acknowledges events until ctx is done, the connection
// is down or the consumer is lost. Only a failure to print is an error; the
// rest is for openConsumer to wait for.
func printEvents(ctx context.Context, nc *nats.Conn, consumer jetstream.Consumer, out, notes io.Writer) error {
	for ctx.Err() == nil && nc.IsConnected() {
		// Events are asked for in batches, and a batch is always printed to
		// its end, so that none is on its way to us when we stop. It would
		// come again, but after events that are younger.
		batch, err := consumer.Fetch(batchSize, jetstream.FetchMaxWait(batchWait))
		if err != nil {
			lost(notes, err)
			return nil
		}
		for msg := range batch.Messages() {
			if _, err := out.Write(line(msg)); err != nil {
				return fmt.Errorf("printing: %w", err)
			}
			// Only now is the event done with. Had the program died before,
			// the event would be printed by the next run: at least once.
			if err := msg.Ack(); err != nil {
				lost(notes, err)
				return nil
			}
		}
		if err := batch.Error(); err != nil {
			lost(notes, err)
			return nil
		}
	}
	return nil
}

// lost notes why a consumer has to be opened again.
func lost(notes io.Writer, err error) {
	_, _ = fmt.Fprintf(notes, "opening the consumer again: %v\n", err)
}

// pause waits a little, or until ctx is done.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(retryWait):
	}
}

// line returns the subject, a tab and the body without line breaks. A body that
// is not JSON, such as that of a refused request, is quoted.
func line(msg jetstream.Msg) []byte {
	var body bytes.Buffer
	if err := json.Compact(&body, msg.Data()); err != nil {
		body.Reset()
		body.WriteString(strconv.Quote(string(msg.Data())))
	}
	return fmt.Appendf(nil, "%s\t%s\n", msg.Subject(), body.Bytes())
}
