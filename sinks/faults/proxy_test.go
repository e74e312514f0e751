// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"net"
	"sync"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// proxy is the network between Caddy and NATS.
type proxy struct {
	address string
	target  string
	running sync.WaitGroup
	gate    sync.RWMutex // held for reading by who passes bytes on

	mu       sync.Mutex
	listener net.Listener // nil while the network is cut
	open     map[net.Conn]bool
	delay    time.Duration // for every chunk
	frozen   bool
}

// chunk is how many bytes are passed on at a time.
const chunk = 8 << 10

func startProxy(target string) (*proxy, error) {
	address, err := harness.FreeAddress()
	if err != nil {
		return nil, err
	}
	p := &proxy{address: address, target: target, open: make(map[net.Conn]bool)}
	return p, p.restore()
}

// restore takes connections, for the first time or after a cut.
func (p *proxy) restore() error {
	return await("the proxy listens", func() (bool, error) {
		listener, err := net.Listen("tcp", p.address)
		if err != nil {
			return false, err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.listener = listener
		p.running.Go(func() { p.accept(listener) })
		return true, nil
	})
}

// cut ends all connections and refuses new ones.
func (p *proxy) cut() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return nil
	}
	err := p.listener.Close()
	p.listener = nil
	for conn := range p.open {
		_ = conn.Close()
	}
	return err
}

// freeze keeps the connections, takes new ones, and passes nothing on.
func (p *proxy) freeze() {
	p.gate.Lock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		p.frozen = false
		p.gate.Unlock()
	}
}

// slow makes every chunk late.
func (p *proxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

func (p *proxy) lateness() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		upstream, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.connect(listener, client, upstream)
	}
}

// connect begins to pass bytes on, unless the network was cut in the meantime.
func (p *proxy) connect(listener net.Listener, client, upstream net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != listener {
		_, _ = client.Close(), upstream.Close()
		return
	}
	p.open[client], p.open[upstream] = true, true
	p.running.Go(func() { p.pass(client, upstream) })
	p.running.Go(func() { p.pass(upstream, client) })
}

// pass moves bytes in one direction until either side ends.
func (p *proxy) pass(to, from net.Conn) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, to)
		_ = to.Close()
	}()
	buffer := make([]byte, chunk)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if delay := p.lateness(); delay > 0 {
			time.Sleep(delay) // This is the slowness itself; nothing is waited for.
		}
		p.gate.RLock()
		_, err = to.Write(buffer[:n])
		p.gate.RUnlock()
		if err != nil {
			return
		}
	}
}

func (p *proxy) end() {
	p.thaw()
	_ = p.cut()
	p.running.Wait()
}
