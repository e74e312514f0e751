// SPDX-License-Identifier: Apache-2.0

// Command postgres stores the events of a JetStream stream in PostgreSQL: in batches, each
// event once, whatever fails in between. It is meant to be copied.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	server := flag.String("nats", "nats://127.0.0.1:4222", "`URL` of NATS")
	creds := flag.String("creds", "", "`file` with credentials for NATS")
	stream := flag.String("stream", "SEGMENT", "`name` of the stream")
	durable := flag.String("durable", "postgres", "`name` of the durable consumer, which remembers what was stored")
	database := flag.String("database", "", "connection `string` of PostgreSQL; what it lacks is taken from PGHOST and the like")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *server, *creds, *stream, *durable, *database); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, server, creds, stream, durable, database string) error {
	options := []nats.Option{nats.Name(durable), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true)}
	if creds != "" {
		options = append(options, nats.UserCredentials(creds))
	}
	nc, err := nats.Connect(server, options...)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return err
	}
	defer pool.Close()
	s := &store{pool: pool}
	retry(ctx, "making the tables", s.createTables)
	var consumer jetstream.Consumer
	retry(ctx, "opening the consumer", func(ctx context.Context) (err error) {
		consumer, err = js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
			Durable:       durable,
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       ackWait,
			MaxAckPending: 10 * batchSize,
		})
		return err
	})
	if ctx.Err() != nil {
		return nil
	}
	return consume(ctx, consumer, s)
}

// retry does something until it works or the context ends, and says what is wrong once.
func retry(ctx context.Context, what string, do func(context.Context) error) {
	said := ""
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			if said != "" && err == nil {
				log.Printf("%s works again", what)
			}
			return
		}
		if text := err.Error(); text != said {
			log.Printf("%s: %v; trying on", what, err)
			said = text
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
