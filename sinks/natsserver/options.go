// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// options is what the server is started with: the configuration after
// placeholders and defaults.
type options struct {
	host       string
	port       int
	storeDir   string
	maxMemory  int64
	maxStorage int64
	maxPayload int64
	token      string
}

// address returns the configured host:port; the port may be 0.
func (o options) address() string {
	return net.JoinHostPort(o.host, strconv.Itoa(o.port))
}

// changed returns the names of the options in which o and other differ.
func (o options) changed(other options) []string {
	var names []string
	for _, option := range []struct {
		name    string
		differs bool
	}{
		{"listen", o.address() != other.address()},
		{"store_dir", o.storeDir != other.storeDir},
		{"max_memory", o.maxMemory != other.maxMemory},
		{"max_storage", o.maxStorage != other.maxStorage},
		{"max_payload", o.maxPayload != other.maxPayload},
		{"token", o.token != other.token},
	} {
		if option.differs {
			names = append(names, option.name)
		}
	}
	return names
}

// natsOptions translates o for nats-server.
func (o options) natsOptions() *server.Options {
	port := o.port
	if port == 0 {
		// For nats-server 0 means its default port.
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: appID,
		Host:       o.host,
		Port:       port,
		MaxPayload: int32(o.maxPayload),

		JetStream:              true,
		StoreDir:               o.storeDir,
		JetStreamMaxMemory:     o.maxMemory,
		JetStreamMaxStore:      o.maxStorage,
		DisableJetStreamBanner: true,

		Authorization: o.token,

		// Signals belong to Caddy, and the log goes to Caddy's.
		NoSigs: true,
		NoLog:  true,
	}
}

// changedError explains why a configuration with other options is refused. It
// names the options only, since one of them is the token.
func changedError(running *embedded, changed []string) error {
	return fmt.Errorf("changing %s needs a restart of Caddy: the embedded NATS server on %s keeps running with the options it was started with",
		strings.Join(changed, ", "), running.address())
}
