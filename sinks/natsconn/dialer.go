// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"context"
	"net"
	"sync"

	"github.com/nats-io/nats.go"
)

// dialer opens the network connections of a nats.Conn and can cut the current
// one. nats.go holds its lock while it dials and waits for the server's first
// words, so closing would have to wait for both.
type dialer struct {
	ctx   context.Context
	inner nats.CustomDialer

	mu  sync.Mutex
	raw net.Conn
}

// option puts the dialer in front of the proxy dialer that a NATS CLI context
// may have set before.
func (d *dialer) option(o *nats.Options) error {
	d.inner = o.CustomDialer
	o.CustomDialer = d
	return nil
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if err := d.ctx.Err(); err != nil {
		return nil, err
	}
	var raw net.Conn
	var err error
	if d.inner != nil {
		raw, err = d.inner.Dial(network, address)
	} else {
		raw, err = (&net.Dialer{Timeout: DialTimeout}).DialContext(d.ctx, network, address)
	}
	if err != nil {
		return nil, err
	}

	d.mu.Lock()
	d.raw = raw
	d.mu.Unlock()
	if d.ctx.Err() != nil {
		d.cut()
	}
	return raw, nil
}

func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.raw != nil {
		_ = d.raw.Close()
	}
}

// Interface guard
var _ nats.CustomDialer = (*dialer)(nil)
