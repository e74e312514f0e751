// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// Probe is a connection to NATS of its own: not from the usage pool, so that
// nothing that runs notices it, and without any trying again.
type Probe struct {
	Options Options
	Log     *Log
	Nc      *nats.Conn
	Js      jetstream.JetStream
	Denials forward.Denials

	mu      sync.Mutex
	async   []error
	refused func() // called when the server refuses something
}

// NewProbe resolves the options and looks at the files that they name.
func NewProbe(configured Connection, domain string) (*Probe, error) {
	resolved, err := configured.Resolve(caddy.NewReplacer(), true)
	if err != nil {
		return nil, err
	}
	if _, err := resolved.readFiles(); err != nil {
		return nil, err
	}
	o := Options{Connection: resolved, Domain: domain}
	return &Probe{Options: o, Log: NewLog(o)}, nil
}

var errOptionsOnly = errors.New("only the options were asked for")

// Servers are the URLs that are connected to, from a NATS CLI context if one is
// configured.
func (p *Probe) Servers() (urls []string, err error) {
	opts, err := p.Options.natsOptions()
	if err != nil {
		return nil, err
	}
	nc, _, err := p.Options.dial(append(opts, func(o *nats.Options) error {
		urls = slices.Clone(o.Servers)
		return errOptionsOnly
	}))
	if err == nil {
		nc.Close() // It does not come to this.
	}
	if !errors.Is(err, errOptionsOnly) {
		return nil, err
	}
	if len(urls) == 0 {
		urls = []string{nats.DefaultURL}
	}
	return urls, nil
}

// Connect tries the given servers, once. The first result is an error of the network,
// if it was that; the second is any.
func (p *Probe) Connect(ctx context.Context, servers []string) (network, err error) {
	opts, err := p.Options.natsOptions()
	if err != nil {
		return nil, err
	}
	timeout := DialTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(min(timeout, time.Until(deadline)), time.Millisecond)
	}
	d := &dialer{ctx: ctx}
	recorder := new(dialRecorder)
	opts = append(opts,
		nats.RetryOnFailedConnect(false),
		nats.NoReconnect(),
		nats.SkipHostLookup(), // the dialer does it, and no longer than the context lasts
		nats.IgnoreDiscoveredServers(),
		nats.Timeout(timeout),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { p.note(err) }),
		d.option,
		func(o *nats.Options) error {
			o.Servers = servers
			recorder.inner, o.CustomDialer = o.CustomDialer, recorder
			return nil
		})
	forget := context.AfterFunc(ctx, d.cut)
	defer forget()
	p.Nc, p.Js, err = p.Options.dial(opts)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // rather than that of the connection that was cut
	}
	if err != nil {
		return recorder.last(), err
	}
	return nil, nil
}

// Close may be called whether connect has succeeded or not.
func (p *Probe) Close() {
	if p.Nc != nil {
		p.Nc.Close()
	}
}

func (p *Probe) note(err error) {
	p.Denials.Note(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.async = append(p.async, err)
	if p.refused != nil && errors.Is(err, nats.ErrPermissionViolation) {
		p.refused()
	}
}

// WhenRefused has f called when the server refuses something.
func (p *Probe) WhenRefused(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = f
}

// Violation returns what the server has refused so far, if it has refused anything
// that matches.
func (p *Probe) Violation(matches func(text string) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, err := range p.async {
		if errors.Is(err, nats.ErrPermissionViolation) && matches(err.Error()) {
			return err
		}
	}
	return nil
}

// Scrub returns the text of an error without secrets.
func (p *Probe) Scrub(err error) string { return p.Log.scrub(err) }

// dialRecorder remembers why the network failed, which nats.go does not always tell.
type dialRecorder struct {
	inner nats.CustomDialer

	mu  sync.Mutex
	err error
}

// Dial implements nats.CustomDialer.
func (r *dialRecorder) Dial(network, address string) (net.Conn, error) {
	raw, err := r.inner.Dial(network, address)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	return raw, err
}

func (r *dialRecorder) last() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Interface guard
var _ nats.CustomDialer = (*dialRecorder)(nil)
