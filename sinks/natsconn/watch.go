// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// watcher is somebody who wants to know of connections.
type watcher struct {
	f       func(*nats.Conn)
	running bool
	again   bool
}

// OnConnect has f called in a goroutine of its own whenever the connection has come
// up, and now if it is up, until remove is called. Calls do not overlap.
func (c *Conn) OnConnect(f func(*nats.Conn)) (remove func()) {
	w := &watcher{f: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers[w] = struct{}{}
	c.notify(w)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, w)
	}
}

// setUp records that the link is up, or, with nil, down.
func (c *Conn) setUp(nc *nats.Conn, l *link) {
	<-l.stored
	var maxPayload int64
	if nc != nil {
		maxPayload = nc.MaxPayload() // before the lock: nats.go may keep one waiting
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Session.Swap(nil) != nil {
		close(c.lost)
	}
	if nc != nil {
		c.lost = make(chan struct{})
		c.Session.Store(&forward.Session{
			Conn: nc, JetStream: l.js, MaxPayload: maxPayload, Lost: c.lost, Denials: new(forward.Denials),
		})
	}
	for w := range c.watchers {
		c.notify(w)
	}
}

// notify expects the lock to be held.
func (c *Conn) notify(w *watcher) {
	if !c.Connected() {
		return
	}
	w.again = true
	if !w.running {
		w.running = true
		go c.call(w)
	}
}

func (c *Conn) call(w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w.again {
		w.again = false
		nc := c.current()
		if _, wanted := c.watchers[w]; nc == nil || !wanted || c.stopping() {
			break
		}
		c.mu.Unlock()
		w.f(nc)
		c.mu.Lock()
	}
	w.running = false
}
