// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below those that systems give to outgoing connections, of
// which a load makes many. A client that keeps dialling one of those while nobody
// listens there will at some time be connected to itself, and then keeps the server
// from coming back.
const (
	firstPort = 12000
	lastPort  = 32000
	// each is how many ports a process has for itself at first.
	each = 200
)

// ports are those that this process may hand out. It listens on the one before the first
// of them until it ends, so that no other process takes the same: Caddy shares its ports,
// and a request would come to the one or the other.
var ports struct {
	sync.Mutex
	next, end int
	claims    []net.Listener
}

// FreeAddress returns an address of this machine on which nobody listens. None is
// returned twice, not even to another process of this program.
func FreeAddress() (string, error) {
	ports.Lock()
	defer ports.Unlock()
	for range lastPort - firstPort {
		if ports.next == ports.end && !claim() {
			break
		}
		ports.next++
		if listener, err := listen(ports.next - 1); err == nil {
			return listener.Addr().String(), listener.Close()
		}
	}
	return "", errors.New("no port is free between 12000 and 32000; end what listens there")
}

// claim takes ports that no other process has.
func claim() bool {
	for begin := firstPort; begin < lastPort; begin += each {
		if listener, err := listen(begin); err == nil {
			ports.claims = append(ports.claims, listener)
			ports.next, ports.end = begin+1, begin+each
			return true
		}
	}
	return false
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
