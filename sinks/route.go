// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// route is a sink's way to NATS. It holds the connection from when it joins a
// delivery until it is forgotten there.
type route struct {
	conn     *conn
	meter    *meter
	subject  string // with wildcards
	stream   string // its name, if it is configured
	rejected string
	maxSize  int64
	sync     time.Duration
	drain    time.Duration
	// keeper is there from Start to Stop; events may come before and after.
	keeper atomic.Pointer[streamKeeper]

	// What follows changes with the delivery's lock held.
	delivery      *delivery
	unwatch       func()
	left          bool
	configuration any // nil until the configuration has started
}

func (r *route) join(d *delivery) {
	r.delivery = d
	r.unwatch = r.conn.onConnect(func(*nats.Conn) {
		if running := d.running.Load(); running != nil {
			running.forwarder.Wake()
		}
	})
}

// difference says in what another route must not differ but does, if anything.
func (r *route) difference(other *route) string {
	switch {
	case r.conn != other.conn:
		return "how they connect to NATS (servers, login, tls, domain, context, client_name, inbox_prefix)"
	case r.subject != other.subject:
		return "subject"
	case r.stream != other.stream:
		return "stream"
	case r.maxSize != other.maxSize:
		return fmt.Sprintf("max_size of the spool (%d and %d bytes)", other.maxSize, r.maxSize)
	case r.sync != other.sync:
		return fmt.Sprintf("sync of the spool (%s and %s)", syncText(other.sync), syncText(r.sync))
	}
	return ""
}

// end lets go of the connection.
func (r *route) end() {
	r.unwatch()
	r.conn.release()
}

// Session implements forward.Route.
func (r *route) Session() *forward.Session { return r.conn.session.Load() }

// Batched implements forward.Route.
func (r *route) Batched() bool { return r.delivery.batched() }

// Look implements forward.Route.
func (r *route) Look() {
	if keeper := r.keeper.Load(); keeper != nil {
		keeper.look()
	}
}

// HasStream implements forward.Route.
func (r *route) HasStream(ctx context.Context, session *forward.Session) (bool, error) {
	keeper := r.keeper.Load()
	if keeper == nil {
		return false, nil
	}
	infos, err := keeper.find(ctx, session.JetStream)
	// One that is there by its name may take no event of the sink at all; then they
	// all wait until it does.
	return slices.ContainsFunc(infos, func(info *jetstream.StreamInfo) bool {
		return slices.ContainsFunc(info.Config.Subjects, func(s string) bool { return overlap(s, keeper.subject) })
	}), err
}

// Observer implements forward.Route.
func (r *route) Observer() forward.Observer { return r.meter }

// Rejected implements forward.Route.
func (r *route) Rejected() string { return r.rejected }

// Interface guard
var _ forward.Route = (*route)(nil)
