// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

func init() {
	caddy.RegisterModule(new(JetStream))
}

// JetStream publishes events to a NATS JetStream stream and waits for the
// stream's ack before the pixel is answered. What fails for a passing reason is
// tried again until ack_timeout is over.
//
// The stream is the operator's. It is looked up by the subject when NATS is
// connected, and a warning names what it lacks; it is created only on request,
// and never changed.
type JetStream struct {
	Connection
	Messages

	// The stream by its name. Default: whichever stream covers the subject.
	Stream *Stream `json:"stream,omitempty"`

	// The JetStream domain. Default: the server's own.
	Domain string `json:"domain,omitempty"`

	// How long a request waits for the ack of its event, in all its tries.
	// Default: 5s
	AckTimeout caddy.Duration `json:"ack_timeout,omitempty"`

	lease lease[*conn]
	// keeper is there from Start to Stop; events may come before and after.
	keeper        atomic.Pointer[streamKeeper]
	releaseKeeper func()
}

const defaultAckTimeout = 5 * time.Second

// CaddyModule returns the Caddy module information.
func (*JetStream) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + ".jetstream",
		New: func() caddy.Module { return new(JetStream) },
	}
}

// Provision parses the options. It opens nothing.
func (s *JetStream) Provision(caddy.Context) error {
	if _, err := s.resolve(caddy.NewReplacer(), false); err != nil {
		return err
	}
	if s.AckTimeout == 0 {
		s.AckTimeout = caddy.Duration(defaultAckTimeout)
	}
	if err := s.Messages.provision(); err != nil {
		return err
	}
	s.lease.open = s.open
	return nil
}

// Validate checks the options against each other.
func (s *JetStream) Validate() error {
	if err := s.Connection.validate(); err != nil {
		return err
	}
	if err := s.Messages.validate(); err != nil {
		return err
	}
	if s.AckTimeout < 0 {
		return errors.New("ack_timeout must be positive")
	}
	if err := checkDomain(s.Domain); err != nil {
		return err
	}
	return s.validateStream()
}

func checkDomain(domain string) error {
	if domain != "" && safeToken(domain) != domain {
		return fmt.Errorf("domain %q must not hold dots, wildcards, spaces or characters outside of ASCII", domain)
	}
	return nil
}

// validateStream works before provisioning as well.
func (s *JetStream) validateStream() error {
	if s.Stream == nil {
		return nil
	}
	template, err := parseSubject(cmp.Or(s.Subject, DefaultSubject))
	if err != nil {
		return err
	}
	return s.Stream.validate(template.wildcard())
}

// Start opens the connection. A NATS that is not there is waited for.
func (s *JetStream) Start(site Site) error {
	if err := s.lease.start(); err != nil {
		return err
	}
	return s.lease.use(func(c *conn) error {
		keeper, release, err := acquireKeeper(c, s.template.wildcard(), s.Stream, int64(site.MaxEventSize))
		if err != nil {
			return err
		}
		s.releaseKeeper = release
		s.keeper.Store(keeper)
		return nil
	})
}

// Stop lets go of the connection once no event waits for its ack any more.
func (s *JetStream) Stop() {
	if s.keeper.Swap(nil) != nil {
		s.releaseKeeper()
	}
	s.lease.stop()
}

func (s *JetStream) open() (*conn, func(), error) {
	resolved, err := s.resolve(caddy.NewReplacer(), true)
	if err != nil {
		return nil, nil, err
	}
	c, err := acquireConn(connOptions{Connection: resolved, Domain: s.Domain})
	if err != nil {
		return nil, nil, err
	}
	return c, c.release, nil
}

// Publish publishes the event and waits for the stream's ack.
func (s *JetStream) Publish(ctx context.Context, event *pixel.Event) error {
	msg := s.event(ctx, event)
	// A publish that timed out here is still known to nats.go, and the event's
	// memory serves another one by then.
	msg.Data = bytes.Clone(msg.Data)

	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.AckTimeout))
	defer cancel()
	return s.lease.use(func(c *conn) error {
		return s.publishUntilAcked(ctx, c, msg)
	})
}

const (
	firstRetry = 25 * time.Millisecond
	lastRetry  = 500 * time.Millisecond

	// An ack may be lost, with the stream's leader for one, so a try does not wait
	// for all of ack_timeout; later tries wait longer, for a NATS that is slow.
	firstAckWait = time.Second
	lastAckWait  = 4 * time.Second
)

// publishUntilAcked tries until the context ends. The message id makes a second
// copy harmless when it was only the ack that got lost.
func (s *JetStream) publishUntilAcked(ctx context.Context, c *conn, msg *nats.Msg) error {
	ackWait := firstAckWait
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := publishOnce(ctx, c, msg, ackWait)
		if err == nil || isPermanent(err) {
			return explain(err)
		}
		if errors.Is(err, errNoAck) {
			ackWait = min(2*ackWait, lastAckWait)
		}
		if keeper := s.keeper.Load(); keeper != nil && isNoStream(err) {
			keeper.look()
		}
		select {
		case <-ctx.Done():
			return explain(err)
		case <-time.After(wait):
		}
	}
}

// publishOnce publishes asynchronously, so that requests share the round trips,
// and waits for the ack of this one message.
func publishOnce(ctx context.Context, c *conn, msg *nats.Msg, ackWait time.Duration) error {
	if !c.connected() {
		return errNotConnected
	}
	// nats.go's own retries would outlive this call.
	ack, err := c.jetstream().PublishMsgAsync(
		&nats.Msg{Subject: msg.Subject, Header: msg.Header, Data: msg.Data},
		jetstream.WithRetryAttempts(0))
	if err != nil {
		return err
	}
	timer := time.NewTimer(ackWait)
	defer timer.Stop()
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return err
	case <-timer.C:
		return errNoAck
	case <-ctx.Done():
		return errNoAck
	}
}

var errNoAck = errors.New("no ack came within ack_timeout: NATS or the stream's leader is slow or gone")

// Codes of JetStream's errors, of which nats.go names no more than a few.
const (
	codeMessageTooLarge = 10054
	codeStoreFailed     = 10077
	codeSealed          = 10109
)

// isPermanent tells whether trying again is of no use, or not before an operator
// has done something.
func isPermanent(err error) bool {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode {
		case codeMessageTooLarge, codeSealed:
			return true
		}
	}
	return isFullStream(err) || errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject)
}

// isFullStream tells whether a stream that discards new messages has reached a
// limit; the code alone says that of any trouble in its store.
func isFullStream(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == codeStoreFailed &&
		strings.HasPrefix(api.Description, "maximum ") && strings.HasSuffix(api.Description, " exceeded")
}

func isNoStream(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// explain adds to an error of NATS what an operator can do about it.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case isNoStream(err):
		return fmt.Errorf("no stream takes the subject, or JetStream is off: compare `nats stream ls --subjects`: %w", err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("the event is larger than the server takes: raise max_payload there or lower max_event_size here: %w", err)
	case isDown(err):
		return errNotConnected
	case isFullStream(err):
		return fmt.Errorf("the stream is full: raise its limits or remove old messages: %w", err)
	default:
		return err
	}
}

// Reject publishes a refused request under the rejected prefix, at most once.
func (s *JetStream) Reject(_ context.Context, r *pixel.Rejection) error {
	msg := s.rejection(r)
	if msg == nil {
		return nil
	}
	return s.lease.use(func(c *conn) error {
		return explain(c.publishOrDrop(msg))
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
//		domain      <name>
//		ack_timeout <duration>
//		<options of the nats sink...>
//	}
func (s *JetStream) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume sink name
	if err := s.addServers(d, d.RemainingArgs()); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		known, err := unmarshalFirst(d, s.Connection.unmarshalOption, s.Messages.unmarshalOption, s.unmarshalOption)
		if err != nil {
			return err
		}
		if !known {
			return d.Errf("unrecognized subdirective '%s' of the jetstream sink: write stream, domain, ack_timeout, %s", d.Val(), natsOptions)
		}
	}
	if err := s.Connection.validate(); err != nil {
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
		s.Stream = new(Stream)
		return true, s.Stream.unmarshalBlock(d)
	case "domain":
		return true, unmarshalChecked(d, "<name>", &s.Domain, checkDomain)
	case "ack_timeout":
		return true, unmarshalDuration(d, &s.AckTimeout)
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
)
