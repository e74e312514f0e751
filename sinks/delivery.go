// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// deliveries holds the spools of all configurations by their directory, so that a
// reload hands on the one that is running, also when the way to NATS changes.
var deliveries = caddy.NewUsagePool()

// delivery is a spool and the one forwarder that empties it. It outlives
// configurations, and therefore holds none's logger or context.
type delivery struct {
	directory string
	spool     *spool.Spool
	forwarder *forward.Forwarder
	stop      context.CancelFunc
	stopped   chan struct{} // closed when the forwarder has ended

	mu     sync.Mutex
	routes []*route
	drain  time.Duration

	closing sync.Once
	hurry   chan struct{} // closed when somebody waits for the end
	hurried sync.Once
	closed  chan struct{}
}

// spoolLogger is looked up for every line, as a spool outlives configurations.
var spoolLogger = func() *zap.Logger { return caddy.Log().Named("segment_pixel.spool") }

// live holds every delivery from when its directory is locked until it is free
// again, which is longer than it is in the pool.
var live = struct {
	sync.Mutex
	deliveries map[string]*delivery
	atExit     sync.Once
}{deliveries: make(map[string]*delivery)}

// joinDelivery gives a sink its share in the delivery of a directory, which is
// opened if need be. It ends with leave.
func joinDelivery(options spool.Options, drain time.Duration, r *route) (*delivery, error) {
	pooled, loaded, err := deliveries.LoadOrNew(options.Dir, func() (caddy.Destructor, error) {
		return openDelivery(options)
	})
	if err != nil {
		return nil, err
	}
	d := pooled.(*delivery)
	if loaded {
		d.spool.Configure(options.MaxSize, options.Sync)
	}
	d.mu.Lock()
	d.drain = drain
	d.mu.Unlock()
	d.join(r)
	return d, nil
}

func openDelivery(options spool.Options) (*delivery, error) {
	live.Lock()
	defer live.Unlock()
	live.atExit.Do(func() { caddy.OnExit(closeDeliveries) })
	if before := live.deliveries[options.Dir]; before != nil {
		before.hurried.Do(func() { close(before.hurry) })
		live.Unlock()
		<-before.closed
		live.Lock()
	}

	options.Logger = spoolLogger
	opened, err := spool.Open(options)
	if err != nil {
		return nil, spoolError(options.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &delivery{
		directory: options.Dir,
		spool:     opened,
		forwarder: forward.New(opened, options.Dir, spoolLogger),
		stop:      cancel,
		stopped:   make(chan struct{}),
		hurry:     make(chan struct{}),
		closed:    make(chan struct{}),
	}
	go func() {
		defer close(d.stopped)
		d.forwarder.Run(ctx)
	}()
	live.deliveries[options.Dir] = d
	return d, nil
}

func spoolError(directory string, err error) error {
	if errors.Is(err, spool.ErrHeld) {
		return fmt.Errorf("spool %s: another process uses it: stop that one, or write 'spool <dir>' with another directory: %w", directory, err)
	}
	return fmt.Errorf("spool %s: %w", directory, err)
}

// join adds a route.
func (d *delivery) join(r *route) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(func(other *route) bool { return other.left })
	d.routes = append(d.routes, r)
	r.join(d)
	d.choose()
}

// leave takes a route away. The last one stays until the spool is closed, as what
// is in it may still be delivered.
func (d *delivery) leave(r *route) {
	d.mu.Lock()
	r.left = true
	if len(d.routes) > 1 {
		d.forget(func(other *route) bool { return other == r })
		d.choose()
	}
	d.mu.Unlock()
	_, _ = deliveries.Delete(d.directory)
}

// forget drops routes. It expects the lock to be held.
func (d *delivery) forget(which func(*route) bool) {
	kept := d.routes[:0]
	for _, r := range d.routes {
		if which(r) {
			r.end()
			continue
		}
		kept = append(kept, r)
	}
	clear(d.routes[len(kept):])
	d.routes = kept
}

// choose has events go by the latest route of a configuration that has started; one
// of a request that outlived its configuration serves only if there is no other.
// It expects the lock to be held.
func (d *delivery) choose() {
	if len(d.routes) == 0 {
		d.forwarder.SetRoute(nil)
		return
	}
	chosen := d.routes[len(d.routes)-1]
	for _, r := range d.routes {
		if r.configuration != nil {
			chosen = r
		}
	}
	d.forwarder.SetRoute(chosen)
}

// started says that the configuration of a route goes live. Within one
// configuration, all sinks on a spool have to publish alike.
func (d *delivery) started(r *route, configuration any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, other := range d.routes {
		if other != r && other.configuration == configuration && other.conn != r.conn {
			return fmt.Errorf("spool %s: two jetstream sinks use it that connect to NATS in different ways: "+
				"write 'spool <dir>' with a directory for each", d.directory)
		}
	}
	r.configuration = configuration
	d.choose()
	return nil
}

// batched tells whether all routes lead to one stream that allows batched publish.
func (d *delivery) batched() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	stream := ""
	for _, r := range d.routes {
		keeper := r.keeper.Load()
		if keeper == nil {
			continue // of a request that outlived its configuration
		}
		name := keeper.batched.Load()
		if name == nil || stream != "" && *name != stream {
			return false
		}
		stream = *name
	}
	return stream != ""
}

// Destruct closes the spool when no sink uses it any more. It does not hold up a
// reload, so what is in the spool is delivered in the background.
func (d *delivery) Destruct() error {
	go d.close()
	return nil
}

// close delivers for as long as drain_timeout, and leaves the rest in the spool.
func (d *delivery) close() {
	d.closing.Do(func() {
		defer close(d.closed)
		d.deliverRest()
		d.stop()
		<-d.stopped
		waiting := d.spool.Stats().Events
		err := d.spool.Close()
		d.mu.Lock()
		d.forget(func(*route) bool { return true })
		d.mu.Unlock()
		live.Lock()
		delete(live.deliveries, d.directory)
		live.Unlock()

		if err != nil {
			spoolLogger().Error("closing the spool", zap.String("dir", d.directory), zap.Error(err))
		}
		if waiting > 0 {
			spoolLogger().Warn("closed the spool while events wait in it: they are delivered when a sink uses it again",
				zap.String("dir", d.directory), zap.Uint64("events", waiting))
		}
	})
	<-d.closed
}

// deliverRest waits for the forwarder. A NATS that is away is not waited for.
func (d *delivery) deliverRest() {
	d.mu.Lock()
	timeout := time.NewTimer(d.drain)
	d.mu.Unlock()
	defer timeout.Stop()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for d.spool.Stats().Events > 0 && d.connected() {
		select {
		case <-look.C:
		case <-timeout.C:
			return
		case <-d.hurry:
			return
		}
	}
}

const drainLook = 5 * time.Millisecond

func (d *delivery) connected() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.routes {
		if r.conn.connected() {
			return true
		}
	}
	return false
}

// closeDeliveries runs when all apps have stopped, and so no request is under way.
// An embedded NATS stops only after it.
func closeDeliveries(context.Context) {
	live.Lock()
	var open []*delivery
	for _, d := range live.deliveries {
		open = append(open, d)
	}
	live.Unlock()
	var all sync.WaitGroup
	for _, d := range open {
		all.Go(d.close)
	}
	all.Wait()
}

// Interface guard
var _ caddy.Destructor = (*delivery)(nil)
