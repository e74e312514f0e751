// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/natscontext"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

const (
	// DialTimeout bounds one try to connect to a server.
	DialTimeout       = 5 * time.Second
	pingInterval      = 10 * time.Second
	reconnectDelayMin = 50 * time.Millisecond
	reconnectDelayMax = 5 * time.Second

	// maxPendingAcks bounds the acks that JetStream owes to all who share the connection.
	// Whoever meets it waits for the acks of others, so it is far above what stuck
	// streams can owe: until asyncAckTimeout frees the places, a spool sends the same
	// 1,000 events three times at most, and direct publishes are about as few, or else
	// each has a request that waits and takes far more memory. nats.go takes memory only
	// for what is pending.
	maxPendingAcks = 1 << 20
	// asyncAckTimeout frees the place of an ack that never comes, which nats.go by
	// default keeps for ever.
	asyncAckTimeout = forward.LastAckWait + time.Second
)

// Options is all that makes two connections differ. Its Connection has been
// resolved, files included.
type Options struct {
	Connection

	// Domain is the JetStream domain. Default: that of the context, if any.
	Domain string
}

// key relies on JSON to tell apart where a field ends. It is a digest because the
// options hold secrets.
func (o Options) key(files [sha256.Size]byte) ([sha256.Size]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(append(text, files[:]...)), nil
}

// natsOptions returns all options but the handlers.
func (o Options) natsOptions() ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name(o.ClientName),
		nats.NoEcho(),
		nats.Timeout(DialTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(),
		// A server that stops reading would otherwise hold up every publisher for
		// the minute that is the default.
		nats.FlusherTimeout(DialTimeout),
		nats.ReconnectOnFlusherError(),
		nats.DrainTimeout(closeTimeout),
		// What waits for NATS waits where we can see it, not in there.
		nats.ReconnectBufSize(-1),
	}
	if o.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(o.InboxPrefix))
	}
	login, err := o.loginOption()
	if err != nil {
		return nil, err
	}
	if login != nil {
		opts = append(opts, login)
	}
	return append(opts, o.TLS.natsOptions()...), nil
}

// dial connects, or begins to.
func (o Options) dial(opts []nats.Option) (*nats.Conn, jetstream.JetStream, error) {
	var settings natscontext.Settings
	var nc *nats.Conn
	var err error
	if o.Context != "" {
		nc, settings, err = natscontext.Connect(o.Context, opts...)
		err = withContexts(err)
	} else {
		nc, err = nats.Connect(strings.Join(o.Servers, ","), opts...)
	}
	if err != nil {
		return nil, nil, err
	}
	js, err := o.jetstream(nc, settings)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, js, nil
}

// CheckDomain tells what is wrong with the name of a JetStream domain; an empty one is
// that of the server.
func CheckDomain(domain string) error {
	if domain != "" && subject.SafeToken(domain) != domain {
		return fmt.Errorf("domain %q must not hold dots, wildcards, spaces or characters outside of ASCII", domain)
	}
	return nil
}

func (o Options) jetstream(nc *nats.Conn, context natscontext.Settings) (jetstream.JetStream, error) {
	opts := []jetstream.JetStreamOpt{
		jetstream.WithPublishAsyncMaxPending(maxPendingAcks),
		jetstream.WithPublishAsyncTimeout(asyncAckTimeout),
	}
	domain := o.Domain
	if domain == "" {
		domain = context.JSDomain
	}
	switch {
	case domain != "":
		return jetstream.NewWithDomain(nc, domain, opts...)
	case context.JSAPIPrefix != "":
		return jetstream.NewWithAPIPrefix(nc, context.JSAPIPrefix, opts...)
	}
	return jetstream.New(nc, opts...)
}

// reconnectDelay doubles with every attempt and is random by half, so that the
// clients of a server that comes back do not all arrive at once.
func reconnectDelay(attempts int) time.Duration {
	delay := reconnectDelayMax
	if doublings := attempts - 1; doublings < 7 {
		delay = min(reconnectDelayMin<<max(doublings, 0), reconnectDelayMax)
	}
	return delay/2 + rand.N(delay/2) //nolint:gosec // no secret: anyone may guess it
}
