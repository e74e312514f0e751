// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// exitTimeout bounds how long the end of the process waits for uses under way.
const exitTimeout = 10 * time.Second

// lease is a sink's hold on something that is shared and outlives configurations,
// such as a connection. It is open from Start to Stop. An event that comes
// earlier opens it, and one that comes later, from a request that outlived its
// configuration, borrows the shared thing for just that event: neither is lost.
type lease[T any] struct {
	// open acquires the shared thing and returns how to release it.
	open func() (value T, release func(), err error)

	// mu is held for reading while the value is in use, so that it is never
	// released under a publish that waits for its ack.
	mu      sync.RWMutex
	value   T
	release func()
	stopped bool
}

// start opens the lease unless an event already has. It does not wait for the
// events that are under way.
func (l *lease[T]) start() error {
	l.mu.RLock()
	begun := l.release != nil || l.stopped
	l.mu.RUnlock()
	if begun {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.release != nil || l.stopped {
		return nil
	}
	value, release, err := l.open()
	if err != nil {
		return err
	}
	l.value, l.release = value, release
	return nil
}

// stop releases what start has opened, once the last use of it is over. It waits
// for that, within bounds, only when the process is about to exit; a reload goes
// on at once.
func (l *lease[T]) stop() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.letGo()
	}()
	if !caddy.Exiting() {
		return
	}
	timer := time.NewTimer(exitTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (l *lease[T]) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	if l.release != nil {
		l.release()
		l.release = nil
	}
}

// use calls f with the shared thing, whatever state the lease is in.
func (l *lease[T]) use(f func(T) error) error {
	if err := l.start(); err != nil {
		return err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.release != nil {
		return f(l.value)
	}
	value, release, err := l.open()
	if err != nil {
		return err
	}
	defer release()
	return f(value)
}
