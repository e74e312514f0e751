// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

func init() {
	caddy.RegisterModule(new(NATS))
}

// NATS publishes events to core NATS: at most once, to whoever subscribes at that
// moment. Events are handed over every 5 ms at most. While NATS is away, or slower
// than they come, up to 8 MiB of them are held in memory. Use the sink jetstream
// where no event may be lost.
type NATS struct {
	Connection
	Messages

	lease lease[*conn]
}

// CaddyModule returns the Caddy module information.
func (*NATS) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + ".nats",
		New: func() caddy.Module { return new(NATS) },
	}
}

// Provision parses the options. It opens nothing.
func (s *NATS) Provision(caddy.Context) error {
	if _, err := s.resolve(caddy.NewReplacer(), false); err != nil {
		return err
	}
	s.lease.open = s.open
	return s.Messages.provision()
}

// Validate checks the options against each other.
func (s *NATS) Validate() error {
	if err := s.Connection.validate(); err != nil {
		return err
	}
	return s.Messages.validate()
}

// Start opens the connection. A NATS that is not there is waited for.
func (s *NATS) Start(Site) error { return s.lease.start() }

// Stop lets go of the connection.
func (s *NATS) Stop() { s.lease.stop() }

func (s *NATS) open() (*conn, func(), error) {
	resolved, err := s.resolve(caddy.NewReplacer(), true)
	if err != nil {
		return nil, nil, err
	}
	c, err := acquireConn(connOptions{Connection: resolved})
	if err != nil {
		return nil, nil, err
	}
	return c, c.release, nil
}

// Publish puts the event into a buffer, from where it goes to NATS soon, or when
// NATS is there. It returns an error when that is full.
func (s *NATS) Publish(ctx context.Context, event *pixel.Event) error {
	published := s.event(ctx, event)
	return s.lease.use(func(c *conn) error {
		return forward.Explain(c.publish(published))
	})
}

// Reject publishes a rejected request under the rejected prefix.
func (s *NATS) Reject(_ context.Context, r *pixel.Rejection) error {
	msg := s.rejection(r)
	if msg == nil {
		return nil
	}
	return s.lease.use(func(c *conn) error {
		return forward.Explain(c.publishOrDrop(msg))
	})
}

// UnmarshalCaddyfile sets up the sink from Caddyfile tokens. Syntax:
//
//	sink nats [<servers...>] {
//		server       <url...>
//		context      <name>
//		client_name  <name>
//		user         <user> <password>
//		token        <token>
//		creds        <file>
//		nkey         <file>
//		jwt          <token> <seed>
//		inbox_prefix <prefix>
//		tls {
//			ca          <file>
//			cert        <cert> <key>
//			server_name <name>
//			first
//			insecure_skip_verify
//		}
//		subject  <template>
//		msg_id   payload|generated|none
//		rejected off|<prefix>
//	}
func (s *NATS) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume sink name
	if err := s.addServers(d, d.RemainingArgs()); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if known, err := unmarshalFirst(d, s.Connection.unmarshalOption, s.Messages.unmarshalOption); err != nil {
			return err
		} else if !known {
			return d.Errf("unrecognized subdirective '%s' of the nats sink: write %s", d.Val(), natsOptions)
		}
	}
	if err := s.Connection.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// natsOptions are the options that both sinks take, for errors.
const natsOptions = "subject, msg_id, rejected, server, context, client_name, user, token, creds, nkey, jwt, inbox_prefix or tls"

// unmarshalFirst lets each group of options look at the subdirective until one
// knows it.
func unmarshalFirst(d *caddyfile.Dispenser, groups ...func(*caddyfile.Dispenser) (bool, error)) (bool, error) {
	for _, group := range groups {
		if known, err := group(d); known || err != nil {
			return known, err
		}
	}
	return false, nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*NATS)(nil)
	_ caddy.Validator       = (*NATS)(nil)
	_ caddyfile.Unmarshaler = (*NATS)(nil)
	_ Sink                  = (*NATS)(nil)
	_ Starter               = (*NATS)(nil)
	_ Rejecter              = (*NATS)(nil)
)
