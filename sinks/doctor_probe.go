// SPDX-License-Identifier: Apache-2.0

package sinks

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
)

// probe is a connection to NATS of its own: not from the usage pool, so that
// nothing that runs notices it, and without any trying again.
type probe struct {
	options connOptions
	log     *connLog
	nc      *nats.Conn
	js      jetstream.JetStream

	mu      sync.Mutex
	async   []error
	refused func() // called when the server refuses something
}

// newProbe resolves the options and looks at the files that they name.
func newProbe(configured Connection, domain string) (*probe, error) {
	resolved, err := configured.resolve(caddy.NewReplacer(), true)
	if err != nil {
		return nil, err
	}
	if _, err := resolved.readFiles(); err != nil {
		return nil, err
	}
	o := connOptions{Connection: resolved, Domain: domain}
	return &probe{options: o, log: newConnLog(o)}, nil
}

var errOptionsOnly = errors.New("only the options were asked for")

// servers are the URLs that are connected to, from a NATS CLI context if one is
// configured.
func (p *probe) servers() (urls []string, err error) {
	opts, err := p.options.natsOptions()
	if err != nil {
		return nil, err
	}
	nc, _, err := p.options.dial(append(opts, func(o *nats.Options) error {
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

// connect tries the given servers, once. The first result is an error of the network,
// if it was that; the second is any.
func (p *probe) connect(ctx context.Context, servers []string) (network, err error) {
	opts, err := p.options.natsOptions()
	if err != nil {
		return nil, err
	}
	timeout := dialTimeout
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
	p.nc, p.js, err = p.options.dial(opts)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // rather than that of the connection that was cut
	}
	if err != nil {
		return recorder.last(), err
	}
	return nil, nil
}

// close may be called whether connect has succeeded or not.
func (p *probe) close() {
	if p.nc != nil {
		p.nc.Close()
	}
}

func (p *probe) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.async = append(p.async, err)
	if p.refused != nil && errors.Is(err, nats.ErrPermissionViolation) {
		p.refused()
	}
}

func (p *probe) whenRefused(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = f
}

// violation returns what the server has refused so far, if it has refused anything
// that matches.
func (p *probe) violation(matches func(text string) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, err := range p.async {
		if errors.Is(err, nats.ErrPermissionViolation) && matches(err.Error()) {
			return err
		}
	}
	return nil
}

// scrub returns the text of an error without secrets.
func (p *probe) scrub(err error) string { return p.log.scrub(err) }

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
