// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// thing is what the tests lease.
type thing struct{ released atomic.Bool }

// things opens things and keeps count of them.
type things struct {
	opened, released atomic.Int32
	err              atomic.Pointer[error]
}

func (s *things) open() (*thing, func(), error) {
	if err := s.err.Load(); err != nil {
		return nil, nil, *err
	}
	s.opened.Add(1)
	one := new(thing)
	// Whoever sees that it is released finds it counted.
	return one, func() { s.released.Add(1); one.released.Store(true) }, nil
}

func (s *things) want(t *testing.T, opened, released int32) {
	t.Helper()
	if o, r := s.opened.Load(), s.released.Load(); o != opened || r != released {
		t.Errorf("%d opened and %d released, want %d and %d", o, r, opened, released)
	}
}

// wantUse uses the lease and checks that what it holds is open.
func wantUse(t *testing.T, l *lease[*thing]) {
	t.Helper()
	used := false
	err := l.use(func(one *thing) error {
		used = true
		if one.released.Load() {
			t.Error("used what is released")
		}
		return nil
	})
	if err != nil || !used {
		t.Errorf("used: %t, error: %v", used, err)
	}
}

func TestLease(t *testing.T) {
	start := func(t *testing.T, l *lease[*thing]) {
		if err := l.start(); err != nil {
			t.Error(err)
		}
	}
	letGo := func(_ *testing.T, l *lease[*thing]) { l.letGo() }
	for _, test := range []struct {
		name             string
		steps            []func(*testing.T, *lease[*thing])
		opened, released int32
	}{
		{"never used", []func(*testing.T, *lease[*thing]){start, letGo}, 1, 1},
		{"used", []func(*testing.T, *lease[*thing]){start, wantUse, wantUse, letGo}, 1, 1},
		{"used before start", []func(*testing.T, *lease[*thing]){wantUse, wantUse, start, wantUse}, 1, 0},
		{"used without start", []func(*testing.T, *lease[*thing]){wantUse, letGo}, 1, 1},
		{"used after stop", []func(*testing.T, *lease[*thing]){start, letGo, wantUse, wantUse}, 3, 3},
		{"stopped without start", []func(*testing.T, *lease[*thing]){letGo}, 0, 0},
		{"stopped twice", []func(*testing.T, *lease[*thing]){start, letGo, letGo}, 1, 1},
		{"started after stop", []func(*testing.T, *lease[*thing]){letGo, start}, 0, 0},
		{"used after stop without start", []func(*testing.T, *lease[*thing]){letGo, wantUse}, 1, 1},
		{"started twice", []func(*testing.T, *lease[*thing]){start, start}, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s things
			l := &lease[*thing]{open: s.open}
			for _, step := range test.steps {
				step(t, l)
			}
			s.want(t, test.opened, test.released)
		})
	}
}

func TestLeaseReturnsErrors(t *testing.T) {
	var s things
	l := &lease[*thing]{open: s.open}
	broken, failed := errors.New("broken"), errors.New("failed")
	s.err.Store(&broken)
	never := func(*thing) error {
		t.Error("used what could not be opened")
		return nil
	}
	if err := l.start(); !errors.Is(err, broken) {
		t.Errorf("start: %v", err)
	}
	if err := l.use(never); !errors.Is(err, broken) {
		t.Errorf("use before start: %v", err)
	}
	s.err.Store(nil)
	if err := l.use(func(*thing) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("use: %v", err)
	}
	wantUse(t, l)
	l.letGo()
	s.err.Store(&broken)
	if err := l.use(never); !errors.Is(err, broken) {
		t.Errorf("use after stop: %v", err)
	}
	s.want(t, 1, 1)
}

// TestLeaseDoesNotWait starts and stops, as two reloads do, while an event waits
// for its ack.
func TestLeaseDoesNotWait(t *testing.T) {
	natstest.CheckLeaks(t)
	var s things
	l := &lease[*thing]{open: s.open}
	using, finish, done := make(chan *thing), make(chan struct{}), make(chan error)
	go func() {
		done <- l.use(func(one *thing) error {
			using <- one
			<-finish
			if one.released.Load() {
				t.Error("released while it was used")
			}
			return nil
		})
	}()
	one := natstest.Receive(t, using)
	started := make(chan error)
	go func() {
		err := l.start()
		l.stop()
		started <- err
	}()
	if err := natstest.Receive(t, started); err != nil {
		t.Error(err)
	}
	s.want(t, 1, 0)
	close(finish)
	if err := natstest.Receive(t, done); err != nil {
		t.Error(err)
	}
	natstest.Eventually(t, "the condition holds", one.released.Load)
	wantUse(t, l)
	s.want(t, 2, 2)
}

// TestLeaseConcurrently is for the race detector above all.
func TestLeaseConcurrently(t *testing.T) {
	natstest.CheckLeaks(t)
	var s things
	l := &lease[*thing]{open: s.open}
	var users sync.WaitGroup
	var uses atomic.Int32
	half := make(chan struct{})
	for range 8 {
		users.Go(func() {
			for range 1000 {
				wantUse(t, l)
				if uses.Add(1) == 4000 {
					close(half)
				}
			}
		})
	}
	if err := l.start(); err != nil {
		t.Error(err)
	}
	natstest.Receive(t, half)
	l.stop()
	users.Wait()
	l.letGo()
	if o, r := s.opened.Load(), s.released.Load(); o != r || o < 1 {
		t.Errorf("%d opened and %d released", o, r)
	}
}

// TestLeaseServesLaterUses uses what has been stopped while an event still waits for
// its ack.
func TestLeaseServesLaterUses(t *testing.T) {
	natstest.CheckLeaks(t)
	var s things
	l := &lease[*thing]{open: s.open}
	using, finish, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- l.use(func(*thing) error {
			close(using)
			<-finish
			return nil
		})
	}()
	natstest.Receive(t, using)
	l.stop()
	natstest.Eventually(t, "the condition holds", l.ended)
	for range 3 {
		later := make(chan struct{})
		go func() {
			defer close(later)
			wantUse(t, l)
		}()
		natstest.Receive(t, later)
	}
	s.want(t, 1, 0)
	close(finish)
	if err := natstest.Receive(t, done); err != nil {
		t.Error(err)
	}
	natstest.Eventually(t, "the condition holds", func() bool { return s.released.Load() == 1 })
}

// ended tells whether the lease is being let go of.
func (l *lease[T]) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}
