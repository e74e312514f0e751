// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// trusting returns a client that trusts one certificate authority.
func trusting(t *testing.T, root []byte) *http.Client {
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

// connectTo returns a broker that somebody else runs.
func connectTo(t *testing.T, url string) *broker {
	t.Helper()
	b := &broker{t: t}
	var err error
	if b.client, err = nats.Connect(url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	if b.js, err = jetstream.New(b.client); err != nil {
		t.Fatal(err)
	}
	return b
}
