// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
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
