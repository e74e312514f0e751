// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/nats-io/nats.go"
)

// serverTry is a try to connect to one server.
type serverTry struct {
	*probe
	url          string
	network, err error
}

// explain says which step of connecting failed: finding the host, reaching it,
// speaking to it, or logging in.
func (t *serverTry) explain() (found, remedy string) {
	if t.network != nil {
		kind := troubleOf(t.network)
		if kind == unknownHost {
			return "the host is not found: " + t.scrub(t.network), t.log.hint(kind)
		}
		if isTimeout(t.network) {
			return "nothing answers: " + t.scrub(t.network),
				"check that the host is up and that no firewall on the way drops packets to this port"
		}
		return "it cannot be reached: " + t.scrub(t.network), t.log.hint(unreachable)
	}
	text := t.scrub(t.err)
	switch kind := troubleOf(t.err); {
	case kind == refusedLogin:
		return "it refuses the login: " + text, t.log.hint(kind)
	case kind == brokenTLS:
		return "TLS fails: " + text, t.log.hint(kind)
	case isTimeout(t.err):
		return "it takes connections and says nothing: " + text,
			"check that this is the port for clients; if the server has handshake_first, write first into the tls option"
	}
	return "it does not speak as NATS does: " + text, "check that this is the port for clients of NATS"
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &network) && network.Timeout()
}

// connectProbe connects to any of the servers, or says what to do so that it can.
func connectProbe(ctx context.Context, configured Connection, domain string) (*probe, error) {
	p, err := newProbe(configured, domain)
	if err != nil {
		return nil, err
	}
	servers, err := p.servers()
	if err != nil {
		return nil, fmt.Errorf("context %s: %s", configured.Context, p.scrub(err))
	}
	network, err := p.connect(ctx, servers)
	if err != nil {
		found, remedy := (&serverTry{probe: p, network: network, err: err}).explain()
		return nil, fmt.Errorf("NATS at %s: %s: %s", p.log.scrubText(strings.Join(servers, ", ")), found, remedy)
	}
	return p, nil
}
