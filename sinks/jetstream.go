// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

func init() {
	caddy.RegisterModule(new(JetStream))
}

// JetStream delivers events to a NATS JetStream stream.
//
// An event is written to a spool on this machine's disk before the pixel is
// answered, and stays there until the stream has acknowledged it: while NATS is
// away, and while Caddy is. The message id keeps the stream from storing an event
// twice that had to be sent twice, within the stream's duplicate window.
//
// The stream is the operator's. It is looked up by the subject when NATS is
// connected, and every now and then after that, and a warning names what it lacks;
// it is created only on request, and never changed.
type JetStream struct {
	natsconn.Connection
	Messages

	// The stream that has to take the events; in another one none is stored. Default:
	// whichever stream covers the subject.
	Stream *stream.Stream `json:"stream,omitempty"`

	// The JetStream domain. Default: the server's own.
	Domain string `json:"domain,omitempty"`

	// Where events wait for the stream. Default: a directory in Caddy's data
	// directory, up to 10 GiB, synced before the answer
	Spool *delivery.Spool `json:"spool,omitempty"`

	// How long what is in the spool is still delivered when Caddy exits, or when no
	// configuration uses the spool any more. What is left is delivered when it is
	// used again. Default: 3s
	DrainTimeout caddy.Duration `json:"drain_timeout,omitempty"`

	// How long a request waits for the ack of its event, in all tries, if the spool
	// is off or cannot take the event. Default: 5s
	AckTimeout caddy.Duration `json:"ack_timeout,omitempty"`

	lease lease[*deliveryLink]
	// keeper is there from Start to Stop; events may come before and after.
	keeper        atomic.Pointer[stream.Keeper]
	releaseKeeper func()

	direct  atomic.Int32                 // events that are published instead of being spooled
	counted atomic.Pointer[meter.Meter]  // from when the sink is open
	active  atomic.Pointer[deliveryLink] // from Start to Stop
}

// deliveryLink is what a sink holds while it is open.
type deliveryLink struct {
	conn *natsconn.Conn
	// Without a spool, these are nil.
	delivery *delivery.Delivery
	route    *delivery.Route
}

const (
	defaultAckTimeout   = 5 * time.Second
	defaultDrainTimeout = 3 * time.Second
)

// CaddyModule returns the Caddy module information.
func (*JetStream) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + "." + meter.JetStream,
		New: func() caddy.Module { return new(JetStream) },
	}
}

// Provision parses the options. It opens nothing.
func (s *JetStream) Provision(caddy.Context) error {
	if _, err := s.Resolve(caddy.NewReplacer(), false); err != nil {
		return err
	}
	if s.AckTimeout == 0 {
		s.AckTimeout = caddy.Duration(defaultAckTimeout)
	}
	if s.DrainTimeout == 0 {
		s.DrainTimeout = caddy.Duration(defaultDrainTimeout)
	}
	if err := s.Messages.provision(); err != nil {
		return err
	}
	s.lease.open = s.open
	return nil
}

// Validate checks the options against each other.
func (s *JetStream) Validate() error {
	if err := s.Connection.Validate(); err != nil {
		return err
	}
	if err := s.Messages.validate(); err != nil {
		return err
	}
	if s.AckTimeout < 0 {
		return errors.New("ack_timeout must be positive")
	}
	if s.DrainTimeout < 0 {
		return errors.New("drain_timeout must be positive")
	}
	if err := s.Spool.Validate(); err != nil {
		return err
	}
	if err := natsconn.CheckDomain(s.Domain); err != nil {
		return err
	}
	return s.validateStream()
}

// validateStream works before provisioning as well.
func (s *JetStream) validateStream() error {
	if s.Stream == nil {
		return nil
	}
	template, err := subject.Parse(cmp.Or(s.Subject, subject.Default))
	if err != nil {
		return err
	}
	return s.Stream.Validate(template.Wildcard())
}

// Start opens the spool and the connection. A NATS that is not there is waited for.
func (s *JetStream) Start(site Site) error {
	if err := s.lease.start(); err != nil {
		return err
	}
	delivery.LookForForgotten()
	return s.lease.use(func(l *deliveryLink) error {
		keeper, release, err := stream.Acquire(l.conn, s.template.Wildcard(), s.Stream, int64(site.MaxEventSize))
		if err != nil {
			return err
		}
		s.releaseKeeper = release
		s.keeper.Store(keeper)
		if l.delivery != nil {
			l.route.Keeper.Store(keeper)
			if err := l.delivery.Started(l.route, site.Configuration); err != nil {
				return err
			}
		}
		s.active.Store(l)
		noteStarted(s, s.meter().Labels, l.conn)
		return nil
	})
}

// Stop lets go of the spool and of the connection once no event needs them. When the
// process exits, the spool stays open for requests that are still under way, and is
// emptied and closed after the last of them.
func (s *JetStream) Stop() {
	if caddy.Exiting() && !s.Spool.IsOff() {
		return
	}
	noteStopped(s)
	s.active.Store(nil)
	if s.keeper.Swap(nil) != nil {
		s.releaseKeeper()
	}
	s.lease.stop()
}

func (s *JetStream) open() (*deliveryLink, func(), error) {
	resolved, err := s.Resolve(caddy.NewReplacer(), true)
	if err != nil {
		return nil, nil, err
	}
	c, err := natsconn.Acquire(natsconn.Options{Connection: resolved, Domain: s.Domain})
	if err != nil {
		return nil, nil, err
	}
	m := meter.Of(natsLabels(meter.JetStream, &resolved, &s.Messages))
	s.counted.Store(m)
	if s.Spool.IsOff() {
		return &deliveryLink{conn: c}, c.Release, nil
	}
	options, err := s.spoolOptions()
	if err != nil {
		c.Release()
		return nil, nil, err
	}
	r := &delivery.Route{
		Conn:           c,
		Meter:          m,
		Subject:        s.template.Wildcard(),
		StreamName:     s.streamName(),
		MaxSize:        options.MaxSize,
		Sync:           options.Sync,
		Drain:          time.Duration(s.DrainTimeout),
		RejectedPrefix: s.rejectedPrefix(),
	}
	d, err := delivery.Join(options, r)
	if err != nil {
		c.Release()
		return nil, nil, err
	}
	return &deliveryLink{c, d, r}, func() { d.Leave(r) }, nil
}

// streamName is empty if the stream is found by its subject.
func (s *JetStream) streamName() string {
	if s.Stream == nil {
		return ""
	}
	return s.Stream.Name
}

// Publish returns when the event is in the spool or, failing that, in the stream.
func (s *JetStream) Publish(ctx context.Context, event *pixel.Event) error {
	published := s.event(ctx, event)
	return s.lease.use(func(l *deliveryLink) error {
		if l.delivery == nil {
			return s.publishDirectly(ctx, l.conn, &published, nil)
		}
		err := l.delivery.Append(published)
		if err == nil {
			return nil
		}
		if direct := s.publishInstead(ctx, l.conn, &published); direct != nil {
			return &report.UntakenError{Spool: err, Direct: direct}
		}
		return nil
	})
}

// Reject publishes a refused request under the rejected prefix, at most once.
func (s *JetStream) Reject(_ context.Context, r *pixel.Rejection) error {
	msg := s.rejection(r)
	if msg == nil {
		return nil
	}
	return s.lease.use(func(l *deliveryLink) error {
		return forward.Explain(l.conn.PublishOrDrop(msg))
	})
}

// UnmarshalCaddyfile sets up the sink from Caddyfile tokens. The options of the
// nats sink are understood here as well. Syntax:
//
//	sink jetstream [<servers...>] {
//		stream <name> {
//			create {
//				subjects         <subjects...>
//				storage          file|memory
//				replicas         <number>
//				max_bytes        <size>
//				max_age          <duration>
//				discard          new|old
//				duplicate_window <duration>
//			}
//		}
//		domain        <name>
//		spool         off
//		spool         [<dir>] {
//			max_size <size>
//			sync     always|off|<interval>
//		}
//		drain_timeout <duration>
//		ack_timeout   <duration>
//		<options of the nats sink...>
//	}
func (s *JetStream) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume sink name
	if err := s.AddServers(d, d.RemainingArgs()); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		known, err := unmarshalFirst(d, s.Connection.UnmarshalOption, s.Messages.unmarshalOption, s.unmarshalOption)
		if err != nil {
			return err
		}
		if !known {
			return d.Errf("unrecognized subdirective '%s' of the jetstream sink: write stream, domain, spool, drain_timeout, ack_timeout, %s", d.Val(), natsOptions)
		}
	}
	if err := s.Connection.Validate(); err != nil {
		return d.WrapErr(err)
	}
	if err := s.validateStream(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (s *JetStream) unmarshalOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "stream":
		if s.Stream != nil {
			return true, d.Err("stream already specified")
		}
		s.Stream = new(stream.Stream)
		return true, s.Stream.UnmarshalBlock(d)
	case "domain":
		return true, args.Checked(d, "<name>", &s.Domain, natsconn.CheckDomain)
	case "spool":
		if s.Spool != nil {
			return true, d.Err("spool already specified")
		}
		s.Spool = new(delivery.Spool)
		return true, s.Spool.UnmarshalBlock(d)
	case "drain_timeout":
		return true, args.Duration(d, &s.DrainTimeout)
	case "ack_timeout":
		return true, args.Duration(d, &s.AckTimeout)
	}
	return false, nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*JetStream)(nil)
	_ caddy.Validator       = (*JetStream)(nil)
	_ caddyfile.Unmarshaler = (*JetStream)(nil)
	_ Sink                  = (*JetStream)(nil)
	_ Starter               = (*JetStream)(nil)
	_ Rejecter              = (*JetStream)(nil)
	_ Reporter              = (*JetStream)(nil)
	_ metered               = (*JetStream)(nil)
)
