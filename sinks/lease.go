// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// exitTimeout bounds how long the end of the process waits for uses under way.
const exitTimeout = 10 * time.Second

// lease is a sink's hold on something that is shared and outlives configurations,
// such as a connection. It is open from Start to Stop. An event that comes
// earlier opens it, and one that comes later, from a request that outlived its
// configuration, borrows the shared thing for just that event, unless others still
// use it: neither is lost, and neither waits for other events.
type lease[T any] struct {
	// open acquires the shared thing and returns how to release it.
	open func() (value T, release func(), err error)

	mu      sync.Mutex // held while it is being opened
	value   T
	release func()
	stopped bool
	ending  sync.Once

	// users are the uses under way, and one more from when it is open until stop. Once
	// there are none, there never are again.
	users  atomic.Int64
	unused chan struct{} // closed when there are none
}

// start opens the lease unless an event already has. It does not wait for the
// events that are under way.
func (l *lease[T]) start() error {
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
	l.unused = make(chan struct{})
	l.users.Store(1)
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

// letGo releases the value itself, as that may take longer than the last user has.
func (l *lease[T]) letGo() {
	l.ending.Do(func() {
		l.mu.Lock()
		l.stopped = true
		opened := l.release != nil
		l.mu.Unlock()
		if !opened {
			return
		}
		l.leave()
		<-l.unused
		l.release()
	})
}

// use calls f with the shared thing, whatever state the lease is in.
func (l *lease[T]) use(f func(T) error) error {
	if !l.join() {
		if err := l.start(); err != nil {
			return err
		}
		if !l.join() {
			return l.borrow(f)
		}
	}
	defer l.leave()
	return f(l.value)
}

// join keeps the value from being released until leave. It tells whether there was
// anything to be kept.
func (l *lease[T]) join() bool {
	for {
		users := l.users.Load()
		if users == 0 {
			return false
		}
		if l.users.CompareAndSwap(users, users+1) {
			return true
		}
	}
}

func (l *lease[T]) leave() {
	if l.users.Add(-1) == 0 {
		close(l.unused)
	}
}

// borrow acquires the shared thing for a single use.
func (l *lease[T]) borrow(f func(T) error) error {
	value, release, err := l.open()
	if err != nil {
		return err
	}
	defer release()
	return f(value)
}
