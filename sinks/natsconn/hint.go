// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// trouble is a sort of failure to connect that calls for one sort of remedy.
type trouble int

const (
	unreachable trouble = iota
	unknownHost
	refusedLogin
	brokenTLS
	withoutTLS
)

func troubleOf(err error) trouble {
	var dns *net.DNSError
	switch text := strings.ToLower(err.Error()); {
	case errors.Is(err, nats.ErrPermissionViolation):
		return unreachable
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired),
		errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired),
		errors.Is(err, nats.ErrNkeysNotSupported), strings.Contains(text, "authentication"),
		strings.Contains(text, "signing nonce"):
		return refusedLogin
	case errors.Is(err, nats.ErrSecureConnWanted), strings.Contains(text, "first record does not look like a tls handshake"):
		return withoutTLS
	case errors.Is(err, nats.ErrTLS), errors.Is(err, nats.ErrSecureConnRequired), strings.Contains(text, "tls: "),
		strings.Contains(text, "x509: "), strings.Contains(text, "secure connection"):
		return brokenTLS
	case errors.As(err, &dns):
		return unknownHost
	}
	return unreachable
}

func (l *Log) hint(kind trouble) string {
	switch kind {
	case unknownHost:
		return "check the host name in server"
	case brokenTLS:
		if l.login == "context" {
			return "check ca, cert, key and tls_first in the NATS CLI context " + l.connection.Context
		}
		return "check the tls option: ca must have signed the server's certificate, " +
			"cert is needed if the server verifies clients, first must be set just if the server has handshake_first"
	case withoutTLS:
		return "this server speaks no TLS: write nats:// instead of tls:// and leave the option tls out, or give the server a certificate"
	case refusedLogin:
		return "NATS refuses the login: " + l.loginHint()
	}
	return "check that NATS runs and that it can be reached at these servers from here"
}

func (l *Log) loginHint() string {
	switch l.login {
	case "user":
		return "check the option user, with its password"
	case "creds":
		return l.credsHint()
	case "nkey":
		return "check the file " + l.connection.NKey + " of the option nkey, and that the server lists its public key"
	case "jwt":
		if end := jwtEnd(TextContents(l.connection.JWT)); ended(end) {
			return "the user of the option jwt has expired at " + end.Format(time.RFC3339) +
				": write a renewed JWT with its seed, and reload the configuration"
		}
		return "check the option jwt, with its seed, and that its account and user are still valid"
	case "server":
		return "check the user info in the URL of the option server"
	case "context":
		return "check the login in the NATS CLI context " + l.connection.Context
	case "":
		return "set one of user, token, creds, nkey, jwt or context"
	}
	return "check the option " + l.login
}

// credsHint looks into the file, which an operator else would have to decode.
func (l *Log) credsHint() string {
	file := l.connection.Creds
	const renew = ": a renewed file in its place is used at the next attempt, without a reload"
	end := jwtEnd(FileContents(file))
	if ended(end) {
		return "the user in the file " + file + " of the option creds has expired at " + end.Format(time.RFC3339) + renew
	}
	return "check the file " + file + " of the option creds, and that its account and user are still valid" + renew
}

// ended tells whether a time that is known has passed.
func ended(end time.Time) bool { return !end.IsZero() && end.Before(time.Now()) }
