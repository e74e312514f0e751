// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// connLogger is looked up for every line, as a connection outlives the
// configuration that opened it. Tests replace it.
var connLogger = func() *zap.Logger { return caddy.Log().Named("segment_pixel.nats") }

const (
	repeatAfter     = time.Minute
	maxRemembered   = 64
	minSecretLength = 4
)

// connLog writes one line for every change of a connection's state, and none
// that holds a secret.
type connLog struct {
	logger  func() *zap.Logger
	login   string
	servers []string
	secrets *strings.Replacer

	mu            sync.Mutex
	everConnected bool
	reported      map[trouble]bool     // since the connection was lost
	async         map[string]time.Time // errors that leave the connection up
}

func newConnLog(o connOptions) *connLog {
	l := &connLog{
		logger:   connLogger,
		reported: make(map[trouble]bool),
		async:    make(map[string]time.Time),
	}
	secrets := []string{o.Password, o.Token, o.JWT, o.Seed}
	if logins := o.logins(); len(logins) > 0 {
		l.login = logins[0]
	}
	if o.Context != "" {
		l.login = "context"
	}
	for _, server := range o.Servers {
		u, err := parseServer(server)
		if err != nil {
			continue
		}
		if u.User != nil {
			l.login = "server"
			password, _ := u.User.Password()
			escapedUser, escapedPassword, _ := strings.Cut(u.User.String(), ":")
			secrets = append(secrets, u.User.Username(), password, escapedUser, escapedPassword)
			u.User = nil
		}
		l.servers = append(l.servers, u.String())
	}
	var pairs []string
	for _, secret := range secrets {
		if len(secret) >= minSecretLength {
			pairs = append(pairs, secret, "xxxxx")
		}
	}
	l.secrets = strings.NewReplacer(pairs...)
	return l
}

// connected tells whether the connection was up before.
func (l *connLog) connected(nc *nats.Conn) {
	l.mu.Lock()
	message := "connected to NATS"
	if l.everConnected {
		message = "reconnected to NATS"
	}
	l.everConnected = true
	clear(l.reported)
	l.mu.Unlock()
	l.logger().Info(message,
		zap.String("server", l.scrubText(nc.ConnectedUrlRedacted())),
		zap.String("server_name", nc.ConnectedServerName()))
}

func (l *connLog) disconnected(err error) {
	l.mu.Lock()
	clear(l.reported)
	l.reported[unreachable] = true
	l.mu.Unlock()
	l.logger().Warn("disconnected from NATS, reconnecting", zap.String("error", l.scrub(err)))
}

// failed reports an attempt to connect, once for each sort of trouble until the
// connection is up: the texts differ, for example by port, and come every few
// seconds.
func (l *connLog) failed(err error) {
	// The next attempt tells which server did what.
	if errors.Is(err, nats.ErrNoServers) {
		return
	}
	kind := troubleOf(err)
	l.mu.Lock()
	known := l.reported[kind]
	l.reported[kind] = true
	message := "cannot connect to NATS yet, trying on"
	if l.everConnected {
		message = "cannot reconnect to NATS yet, trying on"
	}
	l.mu.Unlock()
	if known {
		return
	}
	l.logger().Warn(message,
		zap.String("error", l.scrub(err)),
		zap.String("hint", l.hint(kind)),
		zap.Strings("servers", l.servers))
}

// asyncError reports errors during which the connection stays up, such as
// missing permissions.
func (l *connLog) asyncError(err error) {
	text := l.scrub(err)
	now := time.Now()
	l.mu.Lock()
	last, known := l.async[text]
	if known && now.Sub(last) < repeatAfter {
		l.mu.Unlock()
		return
	}
	for remembered, at := range l.async {
		if now.Sub(at) >= repeatAfter {
			delete(l.async, remembered)
		}
	}
	// Texts name subjects, of which there may be any number.
	full := len(l.async) >= maxRemembered
	if !full {
		l.async[text] = now
	}
	l.mu.Unlock()
	if full {
		return
	}

	fields := []zap.Field{zap.String("error", text)}
	if errors.Is(err, nats.ErrPermissionViolation) {
		fields = append(fields, zap.String("hint", "allow the subject to the user in the NATS server's configuration"))
	}
	l.logger().Warn("NATS reports an error", fields...)
}

// refused reports events that had waited and that NATS does not take.
func (l *connLog) refused(events int, err error) {
	l.logger().Error("NATS does not take events that waited for it: they are lost",
		zap.Int("dropped", events), zap.String("error", l.scrub(err)))
}

// closed reports an end that nobody here asked for.
func (l *connLog) closed(err error) {
	l.logger().Warn("connection to NATS has ended, opening another", zap.String("error", l.scrub(err)))
}

// closedOnPurpose reports the end of the connection and of the messages that
// waited for it.
func (l *connLog) closedOnPurpose(waiting int) {
	if waiting > 0 {
		l.logger().Error("closed the connection to NATS while events waited for it: they are lost", zap.Int("dropped", waiting))
		return
	}
	l.logger().Debug("closed the connection to NATS")
}

// trouble is a sort of failure to connect that calls for one sort of remedy.
type trouble int

const (
	unreachable trouble = iota
	unknownHost
	refusedLogin
	brokenTLS
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
	case errors.Is(err, nats.ErrTLS), errors.Is(err, nats.ErrSecureConnWanted),
		errors.Is(err, nats.ErrSecureConnRequired), strings.Contains(text, "tls: "),
		strings.Contains(text, "x509: "), strings.Contains(text, "secure connection"):
		return brokenTLS
	case errors.As(err, &dns):
		return unknownHost
	}
	return unreachable
}

func (l *connLog) hint(kind trouble) string {
	switch kind {
	case unknownHost:
		return "check the host name in server"
	case brokenTLS:
		if l.login == "context" {
			return "check ca, cert, key and tls_first in the NATS CLI context"
		}
		return "check the tls option: ca must have signed the server's certificate, " +
			"cert is needed if the server verifies clients, first must be set just if the server has handshake_first"
	case refusedLogin:
		return "NATS refuses the login: " + l.loginHint()
	}
	return "check that NATS runs and that it can be reached at these servers from here"
}

func (l *connLog) loginHint() string {
	switch l.login {
	case "user":
		return "check the option user, with its password"
	case "creds":
		return "check the file of the option creds, and that its account and user are still valid"
	case "nkey":
		return "check the file of the option nkey, and that the server lists its public key"
	case "jwt":
		return "check the option jwt, with its seed, and that its account and user are still valid"
	case "server":
		return "check the user info in the URL of the option server"
	case "context":
		return "check the login in the NATS CLI context"
	case "":
		return "set one of user, token, creds, nkey, jwt or context"
	}
	return "check the option " + l.login
}

var urlUserInfo = regexp.MustCompile(`://[^\s"']*@`)

// scrub returns the text of err without secrets. Errors about URLs quote them in
// parts, in which no user info can be told any more.
func (l *connLog) scrub(err error) string {
	if err == nil {
		return "no reason given"
	}
	var bad *url.Error
	if errors.As(err, &bad) && bad.Op == "parse" {
		return "a server URL cannot be parsed; special characters in a user or a password must be percent-encoded"
	}
	return l.scrubText(err.Error())
}

func (l *connLog) scrubText(text string) string {
	return l.secrets.Replace(urlUserInfo.ReplaceAllString(text, "://"))
}
