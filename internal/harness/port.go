// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"math/rand/v2"
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
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: make(map[int]bool)}

// FreeAddress returns an address of this machine on which nobody listens. None is
// returned twice, as Caddy shares its ports.
func FreeAddress() (string, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort) //nolint:gosec // it is no secret which port is tried
		if handedOut.ports[port] {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		handedOut.ports[port] = true
		return address, listener.Close()
	}
	return "", errors.New("no port is free between 12000 and 32000; end what listens there")
}
