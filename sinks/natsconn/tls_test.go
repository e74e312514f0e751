// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

func TestTLS(t *testing.T) {
	for _, test := range []struct {
		name, serverName string
		first            bool
		change           func(*TLS)
		refused          bool
	}{
		{name: "client certificate"},
		{name: "first", first: true, change: func(c *TLS) { c.First = true }},
		{name: "server name", serverName: "nats.test", change: func(c *TLS) { c.ServerName = "nats.test" }},
		{name: "wrong server name", serverName: "nats.test", refused: true},
		{name: "unverified", serverName: "nats.test", change: func(c *TLS) { c.InsecureSkipVerify = true }},
		{name: "no client certificate", refused: true, change: func(c *TLS) { c.Certificate, c.Key = "", "" }},
		{name: "system authorities", refused: true, change: func(c *TLS) { c.CA = "" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			natstest.CheckLeaks(t)
			logs := observeLogs(t)
			a := natstest.NewAuthority(t)
			s := natstest.StartPlain(t, func(o *server.Options) {
				a.Secure(t, o, test.serverName)
				o.TLSHandshakeFirst = test.first
			})
			o := toServer(s)
			o.TLS = clientOf(a)
			if test.change != nil {
				test.change(o.TLS)
			}
			if test.refused {
				wantRefusedTLS(t, acquire(t, o), logs.FilterMessage, "check the tls option")
				return
			}
			c := connect(t, o)
			state, err := c.NATS().TLSConnectionState()
			if err != nil || state.Version < tls.VersionTLS12 {
				t.Errorf("got TLS version %x and %v", state.Version, err)
			}
		})
	}
}

func TestTLSWrongAuthority(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	a, other := natstest.NewAuthority(t), natstest.NewAuthority(t)
	s := natstest.StartPlain(t, func(o *server.Options) { a.Secure(t, o, "") })
	o := toServer(s)
	o.TLS = clientOf(a)
	o.TLS.CA = other.File("ca.pem")
	wantRefusedTLS(t, acquire(t, o), logs.FilterMessage, "check the tls option")
}

func TestTLSIsRequired(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	o := toServer(natstest.StartPlain(t, nil))
	o.TLS = &TLS{}
	wantRefusedTLS(t, acquire(t, o), logs.FilterMessage, "this server speaks no TLS")
}

func wantRefusedTLS(t *testing.T, c *Conn, logged func(string) *observer.ObservedLogs, want string) {
	t.Helper()
	natstest.Eventually(t, "the condition holds", func() bool { return logged("cannot connect to NATS yet, trying on").Len() > 0 })
	lines := logged("cannot connect to NATS yet, trying on").All()
	if hint, _ := lines[0].ContextMap()["hint"].(string); !strings.HasPrefix(hint, want) {
		t.Errorf("hint %q for %v, want one about TLS", hint, lines[0].ContextMap()["error"])
	}
	if len(lines) > 1 {
		t.Errorf("%d lines, want 1", len(lines))
	}
	if c.Connected() {
		t.Error("connected all the same")
	}
}

func clientOf(a *natstest.Authority) *TLS {
	return &TLS{CA: a.File("ca.pem"), Certificate: a.File("client.pem"), Key: a.File("client.key")}
}
