// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server, so that a connection can be cut, and
// a server that is restarted on another port keeps its address.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	target string
	closed bool
	open   map[net.Conn]struct{}
}

// NewProxy returns a proxy that refuses connections until it has a target.
func NewProxy(t testing.TB) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, open: make(map[net.Conn]struct{})}
	p.running.Go(p.accept)
	t.Cleanup(p.end)
	return p
}

// Address is that of the proxy, as host and port.
func (p *Proxy) Address() string {
	return p.listener.Addr().String()
}

// SetTarget has later connections go to another address.
func (p *Proxy) SetTarget(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = address
}

// Cut ends all connections, as a broken network does: what is under way is lost.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		upstream, err := net.Dial("tcp", target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.join(client, upstream)
	}
}

func (p *Proxy) join(client, upstream net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = client.Close()
		_ = upstream.Close()
		return
	}
	p.open[client], p.open[upstream] = struct{}{}, struct{}{}
	p.running.Go(func() { p.pass(client, upstream) })
	p.running.Go(func() { p.pass(upstream, client) })
}

func (p *Proxy) pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, from)
}

func (p *Proxy) end() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.running.Wait()
}
