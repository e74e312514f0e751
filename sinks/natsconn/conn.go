// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

const (
	// outcomeTimeout is how long loading a configuration waits to hear that the
	// options cannot work.
	outcomeTimeout = time.Second

	// closeTimeout bounds what is done for unsent events when nobody uses the
	// connection any more.
	closeTimeout = 5 * time.Second

	// idleTimeout bounds it when the process ends and no event waits here, so that a
	// NATS that is silent does not hold up the end by much. Those of a spool do not.
	idleTimeout = time.Second
)

// conns holds the connections of all configurations, so that a reload that
// changes nothing about NATS keeps the one it has.
var conns = caddy.NewUsagePool()

// Pooled is how many connections there are.
func Pooled() int {
	n := 0
	conns.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}

// Conn is a connection to NATS shared by all whose options are alike. It outlives
// configurations, and therefore holds none's logger or context.
type Conn struct {
	key  [sha256.Size]byte
	Log  *Log
	dial func(handlers ...nats.Option) (*nats.Conn, jetstream.JetStream, error)
	link atomic.Pointer[link]

	stop    chan struct{} // closed when no one uses the connection any more
	exits   bool          // somebody waits for that
	cut     context.Context
	cutNow  context.CancelFunc // drops the network connection, whatever it does
	Done    chan struct{}      // closed at the end of run
	timeout time.Duration

	Session  atomic.Pointer[forward.Session] // while it is up; changed with mu held
	lost     chan struct{}                   // that of the session
	mu       sync.Mutex
	watchers map[*watcher]struct{}

	Outbox outbox
}

// link is one nats.Conn. nats.go reconnects by itself, but gives up for good
// after some errors; another link then takes over.
type link struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	stored chan struct{} // closed when nc and js are there, or never will be
	wasUp  chan struct{} // closed when the connection has come up once
	closed chan struct{}
	forget func() bool // unties the link from the conn's cut
}

// Acquire returns the connection for these options, opening it if there is
// none. Options that can never work are an error; a NATS that is not there is
// none, and is waited for. To be paired with one release.
func Acquire(o Options) (*Conn, error) {
	files, err := o.readFiles()
	if err != nil {
		return nil, err
	}
	key, err := o.key(files)
	if err != nil {
		return nil, err
	}
	pooled, _, err := conns.LoadOrNew(key, func() (caddy.Destructor, error) {
		c, err := newConn(o)
		if err != nil {
			return nil, err
		}
		c.key = key
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return pooled.(*Conn), nil
}

// NATS returns the connection itself, nil until dialling has begun.
func (c *Conn) NATS() *nats.Conn {
	if l := c.link.Load(); l != nil {
		return l.nc
	}
	return nil
}

func newConn(o Options) (*Conn, error) {
	opts, err := o.natsOptions()
	if err != nil {
		return nil, err
	}
	c := &Conn{
		Log:      NewLog(o),
		stop:     make(chan struct{}),
		Done:     make(chan struct{}),
		timeout:  closeTimeout,
		watchers: make(map[*watcher]struct{}),
		Outbox:   outbox{wake: make(chan struct{}, 1)},
	}
	c.cut, c.cutNow = context.WithCancel(context.Background())
	c.dial = func(handlers ...nats.Option) (*nats.Conn, jetstream.JetStream, error) {
		return o.dial(append(slices.Clip(opts), handlers...))
	}

	outcome, late := make(chan error), make(chan struct{})
	go c.run(outcome, late)
	timer := time.NewTimer(outcomeTimeout)
	defer timer.Stop()
	select {
	case err = <-outcome:
	case <-timer.C:
		close(late)
	}
	if err == nil {
		return c, nil
	}
	<-c.Done
	if o.Context != "" {
		return nil, fmt.Errorf("context %s: %s", o.Context, c.Log.scrub(err))
	}
	return nil, fmt.Errorf("connecting to NATS: %s", c.Log.scrub(err))
}

// Release gives the connection back; the last one to do so closes it.
func (c *Conn) Release() {
	_, _ = conns.Delete(c.key)
}

// Jetstream returns nil until dialling has begun. Afterwards the connection may be
// down, and may be replaced: ask each time.
func (c *Conn) Jetstream() jetstream.JetStream {
	if l := c.link.Load(); l != nil {
		return l.js
	}
	return nil
}

// Connected tells whether the connection is up. Unlike the methods of nats.Conn
// it never waits: those are held up while nats.go dials a server that is silent.
func (c *Conn) Connected() bool {
	return c.Session.Load() != nil
}

// current returns nil while the connection is down.
func (c *Conn) current() *nats.Conn {
	if session := c.Session.Load(); session != nil {
		return session.Conn
	}
	return nil
}

// run opens links and closes the last one.
func (c *Conn) run(outcome chan<- error, late <-chan struct{}) {
	defer close(c.Done)
	var sender sync.WaitGroup
	defer sender.Wait()
	defer c.cutNow()
	sender.Go(c.empty)
	for attempts := 1; ; attempts++ {
		opened := time.Now()
		l, err := c.open()
		if err == nil {
			c.settle(l)
		}
		if outcome != nil {
			select {
			case outcome <- err:
				if err != nil {
					return
				}
			case <-late:
			}
			outcome = nil
		}
		if err == nil {
			err = c.hold(l)
		}
		if c.stopping() {
			c.Log.closedOnPurpose(c.Outbox.abandon())
			return
		}
		c.Log.closed(err)
		if time.Since(opened) > reconnectDelayMax {
			attempts = 1
		}
		select {
		case <-c.stop:
			c.Log.closedOnPurpose(c.Outbox.abandon())
			return
		case <-time.After(reconnectDelay(attempts)):
		}
	}
}

// open dials, which lasts until every server has been tried once.
func (c *Conn) open() (*link, error) {
	l := &link{stored: make(chan struct{}), wasUp: make(chan struct{}), closed: make(chan struct{})}
	defer close(l.stored)
	d := &dialer{ctx: c.cut}
	l.forget = context.AfterFunc(c.cut, d.cut)
	nc, js, err := c.dial(append(c.handlers(l), d.option)...)
	if err != nil {
		l.forget()
		return nil, err
	}
	l.nc, l.js = nc, js
	c.link.Store(l)
	return l, nil
}

// settle waits until handlers know of a connection that is up. Somebody who
// acquires it for a single event, and releases it right after, needs it at once.
func (c *Conn) settle(l *link) {
	if !l.nc.IsConnected() {
		return
	}
	select {
	case <-l.wasUp:
	case <-l.closed:
	case <-c.stop:
	}
}

// hold waits for the end of the link, bringing it about when asked to stop.
func (c *Conn) hold(l *link) error {
	select {
	case <-l.closed:
		l.forget()
		return l.nc.LastError()
	case <-c.stop:
	}
	timeout := c.timeout
	if c.exits && !c.Outbox.busy() {
		timeout = min(timeout, idleTimeout)
	}
	timer := time.AfterFunc(timeout, c.cutNow)
	defer timer.Stop()
	if c.drain(l) {
		select {
		case <-l.closed:
		case <-c.cut.Done():
		}
	}
	c.cutNow()
	l.nc.Close()
	return nil
}

// drain begins to send what is left, and tells whether it has.
func (c *Conn) drain(l *link) bool {
	if !c.Connected() {
		return false
	}
	c.flush(l.nc)
	return l.nc.Drain() == nil
}

func (c *Conn) stopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// Destruct implements caddy.Destructor. What nats.go still holds is sent in the
// background, so as not to hold up a reload, unless the process is about to end.
func (c *Conn) Destruct() error {
	c.close(caddy.Exiting())
	return nil
}

func (c *Conn) close(wait bool) {
	c.exits = wait
	close(c.stop)
	if !c.Connected() {
		c.cutNow()
	}
	if !wait {
		return
	}
	timer := time.NewTimer(c.timeout + time.Second)
	defer timer.Stop()
	select {
	case <-c.Done:
	case <-timer.C:
	}
}

// handlers keeps track of one link's state. nats.go calls them one after the
// other, outside its lock, except for the delay.
func (c *Conn) handlers(l *link) []nats.Option {
	wasUp := sync.OnceFunc(func() { close(l.wasUp) })
	connected := func(nc *nats.Conn) {
		if !c.stopping() {
			c.Log.connected(nc)
		}
		c.setUp(nc, l)
		wasUp()
		c.flush(nc)
		if !c.stopping() {
			c.Log.tellUp()
		}
	}
	return []nats.Option{
		nats.ConnectHandler(connected),
		nats.ReconnectHandler(connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.setUp(nil, l)
			if !c.stopping() {
				c.Log.disconnected(err)
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { c.report(err, c.Log.failed) }),
		nats.ErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, err error) {
			if session := c.Session.Load(); session != nil && session.Conn == nc {
				session.Denials.Note(err)
			}
			if troubleOf(err) == unreachable {
				c.report(err, c.Log.asyncError)
				return
			}
			c.report(err, c.Log.failed)
		}),
		nats.ClosedHandler(func(*nats.Conn) {
			c.setUp(nil, l)
			close(l.closed)
		}),
		// Until the first success nats.go tells no handler why a server that can
		// be reached was of no use, but it keeps the reason.
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			if current := c.link.Load(); current == l {
				if err := l.nc.LastError(); err != nil {
					c.report(err, c.Log.failed)
				}
			}
			return reconnectDelay(attempts)
		}),
	}
}

// Describe adds to a status whether the connection is up, or else why not.
func (c *Conn) Describe(s *report.Status) (up bool) {
	up = c.Connected()
	s.Connected = &up
	if up {
		s.NATS = c.Log.describe()
	} else {
		s.AddProblem(report.NotConnected, "", "%s", c.Log.whyDown())
	}
	return up
}

// report passes on errors that nobody here has caused.
func (c *Conn) report(err error, log func(error)) {
	if !c.stopping() && !errors.Is(err, context.Canceled) {
		log(err)
	}
}

// Interface guard
var _ caddy.Destructor = (*Conn)(nil)
