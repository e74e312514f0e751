// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// connections is how many send pixels to each Caddy.
const connections = 64

// load sends numbered pixels until it is ended. Its rate does not depend on how
// fast they are answered, as long as every connection has its answer in time.
type load struct {
	senders  []*sender
	answered atomic.Int64
	gate     sync.RWMutex // held for reading by who sends
	stop     chan struct{}
	once     sync.Once
	done     sync.WaitGroup
}

func startLoad(address string, rate int) *load {
	l := &load{stop: make(chan struct{})}
	interval := time.Second * connections / time.Duration(rate)
	for c := range connections {
		s := &sender{connection: c, address: address}
		l.senders = append(l.senders, s)
		l.done.Go(func() { l.run(s, interval) })
	}
	return l
}

func (l *load) run(s *sender, interval time.Duration) {
	defer s.hangUp()
	// They do not all send at the same moment.
	next := time.NewTimer(rand.N(interval))
	defer next.Stop()
	select {
	case <-next.C:
	case <-l.stop:
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		l.sendOne(s)
		select {
		case <-tick.C:
		case <-l.stop:
			return
		}
	}
}

func (l *load) sendOne(s *sender) {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if s.send() {
		l.answered.Add(1)
	}
}

// pause returns when no pixel is under way any more, and none follows until
// resume.
func (l *load) pause() {
	l.gate.Lock()
}

func (l *load) resume() {
	l.gate.Unlock()
}

// end returns when every pixel that was sent has been answered, or never will be.
func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

// sent returns how many pixels each connection has sent.
func (l *load) sent() []int {
	counts := make([]int, len(l.senders))
	for i, s := range l.senders {
		counts[i] = int(s.sent.Load())
	}
	return counts
}

// failure returns an answer that should not have been. The load must have ended.
func (l *load) failure() error {
	for _, s := range l.senders {
		if s.failure != nil {
			return s.failure
		}
	}
	return nil
}
