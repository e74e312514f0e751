// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// Route is a sink's way to NATS. It holds the connection from when it joins a
// delivery until it is forgotten there.
type Route struct {
	Conn           *natsconn.Conn
	Meter          *meter.Meter
	Subject        string // with wildcards
	StreamName     string // of the stream, if it is configured
	RejectedPrefix string
	MaxSize        int64
	Sync           time.Duration
	Drain          time.Duration
	// keeper is there from Start to Stop; events may come before and after.
	Keeper atomic.Pointer[stream.Keeper]

	// What follows changes with the delivery's lock held.
	delivery      *Delivery
	unwatch       func()
	left          bool
	configuration any // nil until the configuration has started
}

func (r *Route) join(d *Delivery) {
	r.delivery = d
	r.unwatch = r.Conn.OnConnect(func(*nats.Conn) {
		if running := d.Running.Load(); running != nil {
			running.Forwarder.Wake()
		}
	})
}

// difference says in what another route must not differ but does, if anything.
func (r *Route) difference(other *Route) string {
	switch {
	case r.Conn != other.Conn:
		return "how they connect to NATS (servers, login, tls, domain, context, client_name, inbox_prefix)"
	case r.Subject != other.Subject:
		return "subject"
	case r.StreamName != other.StreamName:
		return "stream"
	case r.MaxSize != other.MaxSize:
		return fmt.Sprintf("max_size of the spool (%d and %d bytes)", other.MaxSize, r.MaxSize)
	case r.Sync != other.Sync:
		return fmt.Sprintf("sync of the spool (%s and %s)", SyncText(other.Sync), SyncText(r.Sync))
	}
	return ""
}

// end lets go of the connection.
func (r *Route) end() {
	r.unwatch()
	r.Conn.Release()
}

// Session implements forward.Route.
func (r *Route) Session() *forward.Session { return r.Conn.Session.Load() }

// Batched implements forward.Route.
func (r *Route) Batched() bool { return r.delivery.Batched() }

// Look implements forward.Route.
func (r *Route) Look() {
	if keeper := r.Keeper.Load(); keeper != nil {
		keeper.Look()
	}
}

// HasStream implements forward.Route.
func (r *Route) HasStream(ctx context.Context, session *forward.Session) (bool, error) {
	keeper := r.Keeper.Load()
	if keeper == nil {
		return false, nil
	}
	infos, err := keeper.Find(ctx, session.JetStream)
	// One that is there by its name may take no event of the sink at all; then they
	// all wait until it does.
	return slices.ContainsFunc(infos, func(info *jetstream.StreamInfo) bool {
		return slices.ContainsFunc(info.Config.Subjects, func(s string) bool { return subject.Overlap(s, keeper.Subject) })
	}), err
}

// Stream implements forward.Route.
func (r *Route) Stream() string { return r.StreamName }

// Observer implements forward.Route.
func (r *Route) Observer() forward.Observer { return r.Meter }

// Rejected implements forward.Route.
func (r *Route) Rejected() string { return r.RejectedPrefix }

// Interface guard
var _ forward.Route = (*Route)(nil)
