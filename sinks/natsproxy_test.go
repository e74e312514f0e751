// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"net"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// proxy stands between a client and a server and can stop passing bytes on, as a
// broken network does.
type proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup
	gate     sync.RWMutex // held by whoever passes bytes on

	mu     sync.Mutex
	frozen bool
	open   []net.Conn
}

func newProxy(t *testing.T, s *server.Server) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: s.Addr().String(), listener: listener}
	p.running.Go(p.accept)
	t.Cleanup(p.end)
	return p
}

func (p *proxy) address() string {
	return p.listener.Addr().String()
}

// freeze keeps all connections open and passes nothing on.
func (p *proxy) freeze() {
	p.gate.Lock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// thaw undoes freeze.
func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		p.frozen = false
		p.gate.Unlock()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		upstream, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, client, upstream)
		p.mu.Unlock()
		p.running.Go(func() { p.pass(client, upstream) })
		p.running.Go(func() { p.pass(upstream, client) })
	}
}

func (p *proxy) pass(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 4096)
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

func (p *proxy) end() {
	_ = p.listener.Close()
	p.thaw()
	p.mu.Lock()
	for _, c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
