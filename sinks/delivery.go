// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// deliveries holds the spools of all configurations by their directory, so that a
// reload hands on the one that is running, also when the way to NATS changes.
var deliveries = caddy.NewUsagePool()

// delivery is a spool and the one forwarder that empties it. It outlives
// configurations, and therefore holds none's logger or context.
type delivery struct {
	directory string
	running   atomic.Pointer[runningSpool] // nil while the disk does not let the spool open
	opening   sync.WaitGroup               // of the goroutine that opens it later

	trouble atomic.Pointer[openError] // why it is nil, if it is

	// meter is that of the chosen route, or of the first before there is one.
	meter atomic.Pointer[meter]

	mu      sync.Mutex
	options spool.Options // those of the chosen route, and the directory
	drain   time.Duration // that of the chosen route
	routes  []*route      // in the order in which they joined
	chosen  *route

	closing sync.Once
	ending  chan struct{} // closed when it is to be closed
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
func joinDelivery(options spool.Options, r *route) (*delivery, error) {
	pooled, _, err := deliveries.LoadOrNew(options.Dir, func() (caddy.Destructor, error) {
		return openDelivery(options, r.meter)
	})
	if err != nil {
		return nil, err
	}
	d := pooled.(*delivery)
	d.join(r)
	return d, nil
}

// openDelivery waits for the delivery that had the directory before, if that is
// still being closed. The pool sees to it that there is no other.
func openDelivery(options spool.Options, m *meter) (*delivery, error) {
	live.Lock()
	live.atExit.Do(func() { caddy.OnExit(closeDeliveries) })
	before := live.deliveries[options.Dir]
	live.Unlock()
	if before != nil {
		before.hurried.Do(func() { close(before.hurry) })
		<-before.closed
	}

	d := &delivery{
		directory: options.Dir,
		ending:    make(chan struct{}),
		hurry:     make(chan struct{}),
		closed:    make(chan struct{}),
	}
	options.Logger, options.Changed = spoolLogger, d.tellOfSpool
	options.Lost = func(events uint64) { d.meter.Load().drop(CauseSpoolFailing, events) }
	d.options = options
	d.meter.Store(m)
	if err := d.openFirst(); err != nil {
		return nil, err
	}
	live.Lock()
	defer live.Unlock()
	live.deliveries[options.Dir] = d
	return d, nil
}

// append returns when the event is in the spool.
func (d *delivery) append(event spool.Event) error {
	if running := d.running.Load(); running != nil {
		return running.Append(event)
	}
	return d.trouble.Load()
}

// waiting is how many events are in the spool.
func (d *delivery) waiting() uint64 {
	if running := d.running.Load(); running != nil {
		return running.Stats().Events
	}
	return 0
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
		close(d.ending)
		d.opening.Wait()
		d.deliverRest()
		if running := d.running.Load(); running != nil {
			running.close(d.directory)
		}
		d.mu.Lock()
		d.forget(func(*route) bool { return true })
		d.mu.Unlock()
		live.Lock()
		delete(live.deliveries, d.directory)
		live.Unlock()
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
	for d.waiting() > 0 && d.connected() {
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
	var all sync.WaitGroup
	for _, d := range liveSpools() {
		all.Go(d.close)
	}
	all.Wait()
}

// liveSpools are those that are in use or being closed.
func liveSpools() []*delivery {
	live.Lock()
	defer live.Unlock()
	return slices.Collect(maps.Values(live.deliveries))
}

// Interface guard
var _ caddy.Destructor = (*delivery)(nil)
