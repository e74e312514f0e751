// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Logger is looked up for every line, as a connection outlives the
// configuration that opened it. Tests replace it.
var Logger = func() *zap.Logger { return caddy.Log().Named("segment_pixel.nats") }

const (
	repeatAfter     = time.Minute
	maxRemembered   = 64
	minSecretLength = 4
)

// Log writes one line for every change of a connection's state, and none
// that holds a secret.
type Log struct {
	logger     func() *zap.Logger
	connection Connection // resolved; holds secrets
	Name       string     // of the servers, as in metrics
	login      string
	servers    []string
	secrets    *strings.Replacer

	mu            sync.Mutex
	everConnected bool
	up            bool
	ending        *failure             // why NATS is about to end a connection that is up
	server        string               // that the connection leads to, or did
	problem       string               // why the connection is down, or will be
	reported      map[trouble]bool     // since the connection was lost
	async         map[string]time.Time // errors that leave the connection up
}

// failure is why a connection is down, without secrets.
type failure struct {
	kind trouble
	text string
}

// NewLog returns the log of a connection with these options.
func NewLog(o Options) *Log {
	l := &Log{
		logger:     Logger,
		connection: o.Connection,
		Name:       o.Connection.Name(),
		servers:    o.publicServers(),
		reported:   make(map[trouble]bool),
		async:      make(map[string]time.Time),
	}
	secrets := []string{o.Password, o.Token, o.JWT, o.Seed}
	if logins := o.logins(); len(logins) > 0 {
		l.login = logins[0]
	}
	if o.Context != "" {
		l.login = "context"
	}
	for _, server := range o.Servers {
		u, err := ParseServer(server)
		if err != nil || u.User == nil {
			continue
		}
		l.login = "server"
		password, _ := u.User.Password()
		escapedUser, escapedPassword, _ := strings.Cut(u.User.String(), ":")
		secrets = append(secrets, u.User.Username(), password, escapedUser, escapedPassword)
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
func (l *Log) connected(nc *nats.Conn) {
	server := nc.ConnectedServerName() + ", nats-server " + nc.ConnectedServerVersion()
	l.mu.Lock()
	l.up, l.ending, l.server, l.problem = true, nil, server, ""
	message := "connected to NATS"
	if l.everConnected {
		message = "reconnected to NATS"
	}
	l.everConnected = true
	clear(l.reported)
	l.mu.Unlock()
	l.logger().Info(message,
		zap.String("server", l.ScrubText(nc.ConnectedUrlRedacted())),
		zap.String("server_name", nc.ConnectedServerName()))
}

func (l *Log) disconnected(err error) {
	why := failure{unreachable, l.scrub(err)}
	if err != nil {
		why.kind = troubleOf(err)
	}
	l.mu.Lock()
	if l.ending != nil {
		// NATS has said more than the network does.
		why = *l.ending
	}
	l.up, l.ending = false, nil
	clear(l.reported)
	l.reported[unreachable], l.reported[why.kind] = true, true
	l.mu.Unlock()
	hint := l.noteProblem(why)
	l.logger().Warn("disconnected from NATS, reconnecting",
		zap.String("error", why.text), zap.String("hint", hint), zap.Strings("servers", l.servers))
	l.tellDown(why, hint)
}

// failed reports an attempt to connect, once for each sort of trouble until the
// connection is up: the texts differ, for example by port, and come every few
// seconds. While the connection is up, it is why NATS is about to end it.
func (l *Log) failed(err error) {
	// The next attempt tells which server did what.
	if errors.Is(err, nats.ErrNoServers) {
		return
	}
	why := failure{troubleOf(err), l.scrub(err)}
	l.mu.Lock()
	known, up := l.reported[why.kind], l.up
	l.reported[why.kind] = true
	message := "cannot connect to NATS yet, trying on"
	switch {
	case up:
		l.ending = &why
		message = "NATS ends the connection"
	case l.everConnected:
		message = "cannot reconnect to NATS yet, trying on"
	}
	l.mu.Unlock()
	hint := l.noteProblem(why)
	if known {
		return
	}
	l.logger().Warn(message,
		zap.String("error", why.text),
		zap.String("hint", hint),
		zap.Strings("servers", l.servers))
	if !up {
		l.tellDown(why, hint)
	}
}

// noteProblem keeps a failure for those who ask, and returns what to do about it.
func (l *Log) noteProblem(why failure) (hint string) {
	hint = l.hint(why.kind)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problem = notConnected(why.text, hint)
	return hint
}

func notConnected(text, hint string) string { return "NATS is not connected (" + text + "): " + hint }

func (l *Log) tellDown(why failure, hint string) {
	report.Tell(report.ChangeDisconnected, map[string]any{"server": l.Name, "error": why.text, "hint": hint})
}

func (l *Log) tellUp() {
	report.Tell(report.ChangeConnected, map[string]any{"server": l.Name, "server_name": l.describe()})
}

// describe names the server that the connection leads to.
func (l *Log) describe() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.server
}

// whyDown says why the connection is down.
func (l *Log) whyDown() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cmp.Or(l.problem, "NATS is not connected yet")
}

// asyncError reports errors during which the connection stays up, such as
// missing permissions.
func (l *Log) asyncError(err error) {
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
func (l *Log) refused(events int, err error) {
	l.logger().Error("NATS does not take events that waited for it: they are lost",
		zap.Int("dropped", events), zap.String("error", l.scrub(err)))
}

// closed reports an end that nobody here asked for.
func (l *Log) closed(err error) {
	text := l.scrub(err)
	l.mu.Lock()
	l.problem = notConnected(text, "another connection is being opened")
	l.mu.Unlock()
	l.logger().Warn("connection to NATS has ended, opening another", zap.String("error", text))
}

// closedOnPurpose reports the end of the connection and of the messages that
// waited for it.
func (l *Log) closedOnPurpose(waiting int) {
	if waiting > 0 {
		l.logger().Error("closed the connection to NATS while events waited for it: they are lost", zap.Int("dropped", waiting))
		return
	}
	l.logger().Debug("closed the connection to NATS")
}

var urlUserInfo = regexp.MustCompile(`://[^\s"']*@`)

// scrub returns the text of err without secrets. Errors about URLs quote them in
// parts, in which no user info can be told any more.
func (l *Log) scrub(err error) string {
	if err == nil {
		return "no reason given"
	}
	var bad *url.Error
	if errors.As(err, &bad) && bad.Op == "parse" {
		return "a server URL cannot be parsed; special characters in a user or a password must be percent-encoded"
	}
	return l.ScrubText(err.Error())
}

// ScrubText returns a text without the secrets of the options.
func (l *Log) ScrubText(text string) string {
	return l.secrets.Replace(urlUserInfo.ReplaceAllString(text, "://"))
}
