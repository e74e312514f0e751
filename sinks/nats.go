// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func init() {
	caddy.RegisterModule(new(NATS))
}

// NATS publishes events to core NATS: at most once, to whoever subscribes at that
// moment. Events are handed over every 5 ms at most. While NATS is away, or slower
// than they come, up to 8 MiB of them are held in memory. Use the sink jetstream
// where no event may be lost.
type NATS struct {
	natsconn.Connection
	Messages

	lease   lease[*natsconn.Conn]
	counted atomic.Pointer[meter.Meter]   // from when the sink is open
	active  atomic.Pointer[natsconn.Conn] // from Start to Stop
}

const natsName = "nats"

// CaddyModule returns the Caddy module information.
func (*NATS) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + "." + natsName,
		New: func() caddy.Module { return new(NATS) },
	}
}

// Provision parses the options. It opens nothing.
func (s *NATS) Provision(caddy.Context) error {
	if _, err := s.Resolve(caddy.NewReplacer(), false); err != nil {
		return err
	}
	s.lease.open = s.open
	return s.Messages.provision()
}

// Validate checks the options against each other.
func (s *NATS) Validate() error {
	if err := s.Connection.Validate(); err != nil {
		return err
	}
	return s.Messages.validate()
}

// Start opens the connection. A NATS that is not there is waited for.
func (s *NATS) Start(Site) error {
	if err := s.lease.start(); err != nil {
		return err
	}
	return s.lease.use(func(c *natsconn.Conn) error {
		s.active.Store(c)
		noteStarted(s, s.meter().Labels, c)
		return nil
	})
}

// Stop lets go of the connection.
func (s *NATS) Stop() {
	noteStopped(s)
	s.active.Store(nil)
	s.lease.stop()
}

// meter implements metered.
func (s *NATS) meter() *meter.Meter {
	return meterOfNATS(natsName, &s.counted, &s.Connection, &s.Messages)
}

// Status implements Reporter. The sink is ready while NATS is there: what waits in
// memory for it is lost when Caddy stops.
func (s *NATS) Status() report.Status {
	m := s.meter()
	status := report.Status{Server: m.Server, Subject: m.Subject, Counts: m.Counts()}
	c := s.active.Load()
	if c == nil {
		status.AddProblem("sink", "", report.NotRunning)
		return status
	}
	status.Ready = c.Describe(&status)
	if waiting := c.Outbox.Size(); !status.Ready && waiting > 0 {
		status.AddProblem(report.EventsWaiting, "they are lost when Caddy stops, "+
			"and further ones beyond 8 MiB; use the sink jetstream where that must not be", "%d events wait in memory for NATS", waiting)
	}
	return status
}

func (s *NATS) open() (*natsconn.Conn, func(), error) {
	resolved, err := s.Resolve(caddy.NewReplacer(), true)
	if err != nil {
		return nil, nil, err
	}
	c, err := natsconn.Acquire(natsconn.Options{Connection: resolved})
	if err != nil {
		return nil, nil, err
	}
	s.counted.Store(meter.Of(natsLabels(natsName, &resolved, &s.Messages)))
	return c, c.Release, nil
}

// Publish puts the event into a buffer, from where it goes to NATS soon, or when
// NATS is there. It returns an error when that is full.
func (s *NATS) Publish(ctx context.Context, event *pixel.Event) error {
	published := s.event(ctx, event)
	return s.lease.use(func(c *natsconn.Conn) error {
		return forward.Explain(c.Publish(published, s.meter()))
	})
}

// Reject publishes a rejected request under the rejected prefix.
func (s *NATS) Reject(_ context.Context, r *pixel.Rejection) error {
	msg := s.rejection(r)
	if msg == nil {
		return nil
	}
	return s.lease.use(func(c *natsconn.Conn) error {
		return forward.Explain(c.PublishOrDrop(msg))
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
	if err := s.AddServers(d, d.RemainingArgs()); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if known, err := unmarshalFirst(d, s.Connection.UnmarshalOption, s.Messages.unmarshalOption); err != nil {
			return err
		} else if !known {
			return d.Errf("unrecognized subdirective '%s' of the nats sink: write %s", d.Val(), natsOptions)
		}
	}
	if err := s.Connection.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// natsOptions are the options that both sinks take, for errors.
const natsOptions = "subject, msg_id, rejected, " + natsconn.OptionNames

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
	_ Reporter              = (*NATS)(nil)
	_ metered               = (*NATS)(nil)
)
