// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap/zaptest/observer"
)

// authority is a certificate authority whose files lie in a folder of the test.
type authority struct {
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.certificate, a.key = a.issue(t, "ca", &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// issue writes <name>.pem and <name>.key.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, a.file(name+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, a.file(name+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

func (a *authority) file(name string) string {
	return filepath.Join(a.dir, name)
}

// secure configures a server that bears the given name, if any, or else its
// address, and that verifies clients.
func (a *authority) secure(t *testing.T, o *server.Options, name string) {
	t.Helper()
	template := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if name != "" {
		template.DNSNames = []string{name}
	} else {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	a.issue(t, "server", template)
	a.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	config, err := server.GenTLSConfig(&server.TLSConfigOpts{
		CertFile: a.file("server.pem"), KeyFile: a.file("server.key"), CaFile: a.file("ca.pem"), Verify: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.TLSConfig, o.TLSVerify = config, true
}

func (a *authority) client() *TLS {
	return &TLS{CA: a.file("ca.pem"), Certificate: a.file("client.pem"), Key: a.file("client.key")}
}

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
			checkLeaks(t)
			logs := observeLogs(t)
			a := newAuthority(t)
			s := startServer(t, func(o *server.Options) {
				a.secure(t, o, test.serverName)
				o.TLSHandshakeFirst = test.first
			})
			o := toServer(s)
			o.TLS = a.client()
			if test.change != nil {
				test.change(o.TLS)
			}
			if test.refused {
				wantRefusedTLS(t, acquire(t, o), logs.FilterMessage)
				return
			}
			c := connect(t, o)
			state, err := c.nats().TLSConnectionState()
			if err != nil || state.Version < tls.VersionTLS12 {
				t.Errorf("got TLS version %x and %v", state.Version, err)
			}
		})
	}
}

func TestTLSWrongAuthority(t *testing.T) {
	checkLeaks(t)
	logs := observeLogs(t)
	a, other := newAuthority(t), newAuthority(t)
	s := startServer(t, func(o *server.Options) { a.secure(t, o, "") })
	o := toServer(s)
	o.TLS = a.client()
	o.TLS.CA = other.file("ca.pem")
	wantRefusedTLS(t, acquire(t, o), logs.FilterMessage)
}

func TestTLSIsRequired(t *testing.T) {
	checkLeaks(t)
	logs := observeLogs(t)
	o := toServer(startServer(t, nil))
	o.TLS = &TLS{}
	wantRefusedTLS(t, acquire(t, o), logs.FilterMessage)
}

func wantRefusedTLS(t *testing.T, c *conn, logged func(string) *observer.ObservedLogs) {
	t.Helper()
	eventually(t, patience, func() bool { return logged("cannot connect to NATS yet, trying on").Len() > 0 })
	lines := logged("cannot connect to NATS yet, trying on").All()
	if hint, _ := lines[0].ContextMap()["hint"].(string); !strings.HasPrefix(hint, "check the tls option") {
		t.Errorf("hint %q for %v, want one about TLS", hint, lines[0].ContextMap()["error"])
	}
	if len(lines) > 1 {
		t.Errorf("%d lines, want 1", len(lines))
	}
	if c.connected() {
		t.Error("connected all the same")
	}
}
