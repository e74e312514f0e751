// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below those that systems give to outgoing connections. A
// client that keeps dialling one of those while nobody listens there will at some
// time be connected to itself, and then keeps the server from coming back.
const (
	firstPort = 12000
	lastPort  = 32000
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: make(map[int]bool)}

// freeAddress returns an address on which nobody listens. Caddy shares its ports,
// so none is handed out twice.
func freeAddress() (string, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
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
	return "", errors.New("no free port")
}

func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}
