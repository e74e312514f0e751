// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// deliveries holds the spools of all configurations by their directory, so that a
// reload hands on the one that is running, also when the way to NATS changes.
var deliveries = caddy.NewUsagePool()

// Delivery is a spool and the one forwarder that empties it. It outlives
// configurations, and therefore holds none's logger or context.
type Delivery struct {
	Directory string
	Running   atomic.Pointer[runningSpool] // nil while the disk does not let the spool open
	opening   sync.WaitGroup               // of the goroutine that opens it later

	Trouble atomic.Pointer[OpenError] // why it is nil, if it is

	// meter is that of the chosen route, or of the first before there is one.
	meter atomic.Pointer[meter.Meter]

	Mu      sync.Mutex
	options spool.Options // those of the chosen route, and the directory
	drain   time.Duration // that of the chosen route
	Routes  []*Route      // in the order in which they joined
	Chosen  *Route

	closing sync.Once
	ending  chan struct{} // closed when it is to be closed
	hurry   chan struct{} // closed when somebody waits for the end
	hurried sync.Once
	closed  chan struct{}
}

// Logger is looked up for every line, as a spool outlives configurations.
var Logger = func() *zap.Logger { return caddy.Log().Named("segment_pixel.spool") }

// live holds every delivery from when its directory is locked until it is free
// again, which is longer than it is in the pool.
var live = struct {
	sync.Mutex
	deliveries map[string]*Delivery
	atExit     sync.Once
}{deliveries: make(map[string]*Delivery)}

// Join gives a sink its share in the delivery of a directory, which is
// opened if need be. It ends with leave.
func Join(options spool.Options, r *Route) (*Delivery, error) {
	pooled, _, err := deliveries.LoadOrNew(options.Dir, func() (caddy.Destructor, error) {
		return openDelivery(options, r.Meter)
	})
	if err != nil {
		return nil, err
	}
	d := pooled.(*Delivery)
	d.join(r)
	return d, nil
}

// openDelivery waits for the delivery that had the directory before, if that is
// still being closed. The pool sees to it that there is no other.
func openDelivery(options spool.Options, m *meter.Meter) (*Delivery, error) {
	live.Lock()
	live.atExit.Do(func() { caddy.OnExit(closeDeliveries) })
	before := live.deliveries[options.Dir]
	live.Unlock()
	if before != nil {
		before.hurried.Do(func() { close(before.hurry) })
		<-before.closed
	}

	d := &Delivery{
		Directory: options.Dir,
		ending:    make(chan struct{}),
		hurry:     make(chan struct{}),
		closed:    make(chan struct{}),
	}
	options.Logger, options.Changed = Logger, d.TellOfSpool
	options.Lost = func(events uint64) { d.meter.Load().Drop(report.CauseSpoolFailing, events) }
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

// Append returns when the event is in the spool.
func (d *Delivery) Append(event spool.Event) error {
	if running := d.Running.Load(); running != nil {
		return running.Append(event)
	}
	return d.Trouble.Load()
}

// Waiting is how many events are in the spool.
func (d *Delivery) Waiting() uint64 {
	if running := d.Running.Load(); running != nil {
		return running.Stats().Events
	}
	return 0
}

// Destruct closes the spool when no sink uses it any more. It does not hold up a
// reload, so what is in the spool is delivered in the background.
func (d *Delivery) Destruct() error {
	go d.close()
	return nil
}

// close delivers for as long as drain_timeout, and leaves the rest in the spool.
func (d *Delivery) close() {
	d.closing.Do(func() {
		defer close(d.closed)
		close(d.ending)
		d.opening.Wait()
		d.deliverRest()
		if running := d.Running.Load(); running != nil {
			running.close(d.Directory)
		}
		d.Mu.Lock()
		d.forget(func(*Route) bool { return true })
		d.Mu.Unlock()
		live.Lock()
		delete(live.deliveries, d.Directory)
		live.Unlock()
	})
	<-d.closed
}

// deliverRest waits for the forwarder. A NATS that is away is not waited for.
func (d *Delivery) deliverRest() {
	d.Mu.Lock()
	timeout := time.NewTimer(d.drain)
	d.Mu.Unlock()
	defer timeout.Stop()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for d.Waiting() > 0 && d.connected() {
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

func (d *Delivery) connected() bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, r := range d.Routes {
		if r.Conn.Connected() {
			return true
		}
	}
	return false
}

// closeDeliveries runs when all apps have stopped, and so no request is under way.
// An embedded NATS stops only after it.
func closeDeliveries(context.Context) {
	var all sync.WaitGroup
	for _, d := range Live() {
		all.Go(d.close)
	}
	all.Wait()
}

// Live are those that are in use or being closed.
func Live() []*Delivery {
	live.Lock()
	defer live.Unlock()
	return slices.Collect(maps.Values(live.deliveries))
}

// Interface guard
var _ caddy.Destructor = (*Delivery)(nil)
