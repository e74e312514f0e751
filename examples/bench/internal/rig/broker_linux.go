// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// BrokerConfig says how nats-server is to run.
type BrokerConfig struct {
	Binary  string
	Dir     string // is made
	CPU     int
	Address string // host and port, to start one again where it was; empty for a free one
}

// Broker is a nats-server with JetStream that runs, and a client of our own.
type Broker struct {
	*Process
	URL     string
	Address string // host and port
	conn    *nats.Conn
	js      jetstream.JetStream
}

// StartBroker starts nats-server and waits until JetStream works.
func StartBroker(ctx context.Context, c BrokerConfig) (*Broker, error) {
	address := c.Address
	if address == "" {
		var err error
		if address, err = harness.FreeAddress(); err != nil {
			return nil, err
		}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	b := &Broker{URL: "nats://" + address, Address: address}
	b.Process, err = Start(Command{
		Name: "nats-server", Path: c.Binary, Dir: c.Dir, CPU: c.CPU,
		Args: []string{"--addr", host, "--port", port, "--jetstream", "--store_dir", filepath.Join(c.Dir, "jetstream")},
	})
	if err != nil {
		return nil, err
	}
	if err := awaitReady(ctx, b.connect); err != nil {
		return nil, errors.Join(err, b.failure("does not answer"), b.Kill())
	}
	return b, nil
}

// connect makes the client, once, and looks whether JetStream works.
func (b *Broker) connect(ctx context.Context) error {
	if b.conn == nil {
		conn, err := nats.Connect(b.URL, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
		if err != nil {
			return err
		}
		if b.js, err = jetstream.New(conn); err != nil {
			conn.Close()
			return err
		}
		b.conn = conn
	}
	_, err := b.js.AccountInfo(ctx)
	return err
}

// Terminate ends the client and the server.
func (b *Broker) Terminate() error {
	b.conn.Close()
	return b.Process.Terminate()
}

// CreateStream creates a stream on file which takes batches, as the README
// recommends. Unlike a real one it drops its oldest events, which are only
// counted, so that a long measurement needs little room on the disk.
func (b *Broker) CreateStream(ctx context.Context, name string, subjects ...string) error {
	return b.CreateStreamWithWindow(ctx, name, 0, subjects...)
}

// CreateStreamWithWindow creates a stream like that of CreateStream, which knows
// an event that is sent again for as long as the window; 0 is what nats-server
// chooses. Events whose acks were lost when it stopped are counted twice unless
// the window is longer than it is away.
func (b *Broker) CreateStreamWithWindow(ctx context.Context, name string, window time.Duration, subjects ...string) error {
	const room = 256 << 20
	_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:              name,
		Subjects:          subjects,
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxBytes:          room,
		AllowBatchPublish: true,
		Duplicates:        window,
	})
	if err != nil {
		return fmt.Errorf("creating the stream %s: %w", name, err)
	}
	return nil
}

// Stored returns how many events a stream has taken, without duplicates, and with
// those that it has dropped since.
func (b *Broker) Stored(ctx context.Context, name string) (int, error) {
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("asking for the stream %s: %w", name, err)
	}
	return int(stream.CachedInfo().State.LastSeq), nil
}

// AwaitStored waits until a stream has taken so many events. It returns how many
// it has taken, and an error if no more came for some time.
func (b *Broker) AwaitStored(ctx context.Context, name string, number int) (int, error) {
	stored, err := awaitCount(ctx, number, patience, func(ctx context.Context) (int, error) { return b.Stored(ctx, name) })
	if err != nil {
		err = fmt.Errorf("stream %s: %w", name, err)
	}
	return stored, err
}

// Counter counts the events that core NATS brings.
type Counter struct {
	seen atomic.Int64
}

// Count counts the events of a subject from now on.
func (b *Broker) Count(subject string) (*Counter, error) {
	c := new(Counter)
	subscription, err := b.conn.Subscribe(subject, func(*nats.Msg) { c.seen.Add(1) })
	if err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", subject, err)
	}
	// What it does not keep up with is to wait, not to be dropped.
	if err := subscription.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	return c, b.conn.Flush()
}

// Seen returns how many events have come.
func (c *Counter) Seen() int {
	return int(c.seen.Load())
}

// AwaitSeen waits until so many events have come, or none has come for a while:
// core NATS promises nothing. It returns how many have come.
func (c *Counter) AwaitSeen(ctx context.Context, number int) int {
	const still = 500 * time.Millisecond
	seen, _ := awaitCount(ctx, number, still, func(context.Context) (int, error) { return c.Seen(), nil })
	return seen
}
