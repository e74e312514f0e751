// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestConnLogHints(t *testing.T) {
	for _, test := range []struct {
		connection Connection
		err        error
		want       string
	}{
		{Connection{}, nats.ErrAuthorization, "set one of user, token"},
		{Connection{User: "a", Password: "b"}, nats.ErrAuthorization, "option user"},
		{Connection{Token: "a"}, errors.New("nats: Authentication Timeout"), "option token"},
		{Connection{Creds: "a"}, nats.ErrAuthExpired, "option creds"},
		{Connection{JWT: "a", Seed: "b"}, nats.ErrAuthRevoked, "option jwt"},
		{Connection{NKey: "a"}, nats.ErrNkeysNotSupported, "option nkey"},
		{Connection{Servers: []string{"nats://a@b"}}, nats.ErrAuthorization, "user info in the URL"},
		{Connection{Context: "a"}, nats.ErrAuthorization, "NATS CLI context"},
		{Connection{}, errors.New("remote error: tls: certificate required"), "the tls option"},
		{Connection{Context: "a"}, fmt.Errorf("%w: EOF", nats.ErrTLS), "tls_first in the NATS CLI context"},
		{Connection{}, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "a"}}, "host name"},
		{Connection{}, errors.New("connection refused"), "NATS runs"},
	} {
		logs := observeLogs(t)
		NewLog(Options{Connection: test.connection}).failed(test.err)
		if hint, _ := logs.All()[0].ContextMap()["hint"].(string); !strings.Contains(hint, test.want) {
			t.Errorf("%v: hint %q, want one about %q", test.err, hint, test.want)
		}
	}
}

func TestConnLogScrubs(t *testing.T) {
	l := NewLog(Options{Connection: Connection{
		Servers: []string{"nats://us3r:p%40ssword@a:4222", "t0ken@b"}, Seed: "s33d",
	}})
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, "no reason given"},
		{errors.New("dial nats://us3r:p@ss/word@a:4222: refused"), "dial nats://a:4222: refused"},
		{errors.New("us3r p@ssword p%40ssword t0ken s33d"), "xxxxx xxxxx xxxxx xxxxx xxxxx"},
		{&url.Error{Op: "parse", URL: "nats://a:s3cret@b", Err: errors.New("s3cret")}, "a server URL cannot be parsed; " +
			"special characters in a user or a password must be percent-encoded"},
	} {
		if got := l.scrub(test.err); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
	}
	if got := strings.Join(l.servers, " "); got != "nats://a:4222 nats://b" {
		t.Errorf("servers %q, want them without user info", got)
	}
}

func TestConnLogBoundsErrors(t *testing.T) {
	logs := observeLogs(t)
	l := NewLog(Options{})
	for i := range 3 * maxRemembered {
		l.asyncError(fmt.Errorf("%w to subject %d", nats.ErrPermissionViolation, i))
	}
	if n := logs.Len(); n != maxRemembered {
		t.Errorf("%d lines in a minute, want %d", n, maxRemembered)
	}
}
