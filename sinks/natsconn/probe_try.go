// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/nats-io/nats.go"
)

// ServerTry is a try to connect to one server.
type ServerTry struct {
	*Probe
	URL          string
	Network, Err error
}

// Explain says which step of connecting failed: finding the host, reaching it,
// speaking to it, or logging in.
func (t *ServerTry) Explain() (found, remedy string) {
	if t.Network != nil {
		kind := troubleOf(t.Network)
		if kind == unknownHost {
			return "the host is not found: " + t.Scrub(t.Network), t.Log.hint(kind)
		}
		if isTimeout(t.Network) {
			return "nothing answers: " + t.Scrub(t.Network),
				"check that the host is up and that no firewall on the way drops packets to this port"
		}
		return "it cannot be reached: " + t.Scrub(t.Network), t.Log.hint(unreachable)
	}
	text := t.Scrub(t.Err)
	switch kind := troubleOf(t.Err); {
	case kind == refusedLogin:
		return "it refuses the login: " + text, t.Log.hint(kind)
	case kind == brokenTLS, kind == withoutTLS:
		return "TLS fails: " + text, t.Log.hint(kind)
	case isTimeout(t.Err):
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

// Connect connects to any of the servers, or says what to do so that it can.
func Connect(ctx context.Context, configured Connection, domain string) (*Probe, error) {
	p, err := NewProbe(configured, domain)
	if err != nil {
		return nil, err
	}
	servers, err := p.Servers()
	if err != nil {
		return nil, fmt.Errorf("context %s: %s", configured.Context, p.Scrub(err))
	}
	network, err := p.Connect(ctx, servers)
	if err != nil {
		found, remedy := (&ServerTry{Probe: p, Network: network, Err: err}).Explain()
		return nil, fmt.Errorf("NATS at %s: %s: %s", p.Log.ScrubText(strings.Join(servers, ", ")), found, remedy)
	}
	return p, nil
}
