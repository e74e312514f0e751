// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// natsServer is a nats-server that can end and start again: address and store stay
// the same.
type natsServer struct {
	name    string
	address string
	dir     string
	log     *journal
	child   *child
}

// newNATS writes the configuration of a server. With routes it is one of a
// cluster, and the route at its own place is where it listens for the others.
func newNATS(dir string, place int, address string, routes []string) (*natsServer, error) {
	n := &natsServer{name: fmt.Sprintf("n%d", place+1), address: address, log: new(journal)}
	n.dir = filepath.Join(dir, n.name)
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream { store_dir: %q, max_file_store: 20GB, max_memory_store: 64MB }\n",
		n.name, address, filepath.Join(n.dir, "store"))
	if len(routes) > 0 {
		text += fmt.Sprintf("cluster { name: faults, listen: %q, routes: [%s] }\n",
			routes[place], "nats://"+strings.Join(routes, ", nats://"))
	}
	return n, os.WriteFile(n.config(), []byte(text), 0o600)
}

func (n *natsServer) config() string {
	return filepath.Join(n.dir, "nats.conf")
}

// start runs the server and waits until it takes connections.
func (n *natsServer) start() error {
	return await(n.name+" takes connections", func() (bool, error) {
		if n.child == nil || n.child.hasEnded() {
			// Somebody may hold the port for a moment.
			var err error
			if n.child, err = startChild(roleNATS, n.log, n.dir, n.config()); err != nil {
				return false, err
			}
		}
		nc, err := nats.Connect("nats://"+n.address, nats.Timeout(time.Second))
		if err != nil {
			return false, err
		}
		nc.Close()
		return true, nil
	})
}

func (n *natsServer) terminate() error {
	if err := n.child.terminate(); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	return nil
}

func (n *natsServer) kill() error {
	return n.child.kill()
}

// end is for the end of a test, whatever state the server is in.
func (n *natsServer) end() {
	if n.child != nil {
		_ = n.child.kill()
	}
}
