// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Trusting returns a client that trusts one certificate authority.
func Trusting(t *testing.T, root []byte) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		t.Fatal("no certificate")
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		ForceAttemptHTTP2: true,
	}}
}

// ConnectTo returns a broker that somebody else runs.
func ConnectTo(t *testing.T, url string) *Broker {
	t.Helper()
	b := &Broker{T: t}
	var err error
	if b.Client, err = nats.Connect(url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Client.Close)
	if b.Js, err = jetstream.New(b.Client); err != nil {
		t.Fatal(err)
	}
	return b
}
