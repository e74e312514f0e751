// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server, so that a connection can be cut or
// frozen, and a server that is restarted on another port keeps its address.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup
	gate     sync.RWMutex // held by whoever passes bytes on

	mu     sync.Mutex
	target string
	frozen bool
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

// Freeze keeps all connections open and passes nothing on.
func (p *Proxy) Freeze() {
	p.gate.Lock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// Thaw undoes Freeze.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		p.frozen = false
		p.gate.Unlock()
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
	defer func() {
		_ = to.Close()
		_ = from.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, from)
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.gate.RLock()
		_, err = to.Write(buffer[:n])
		p.gate.RUnlock()
		if err != nil {
			return
		}
	}
}

func (p *Proxy) end() {
	_ = p.listener.Close()
	p.Thaw()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.running.Wait()
}
