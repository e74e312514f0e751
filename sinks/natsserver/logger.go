// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"fmt"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// natsLogger passes the log of nats-server on to Caddy's. The server outlives
// configurations, so the logger is looked up at every call.
//
// nats-server redacts tokens in what it logs below its trace level, which is
// never enabled.
type natsLogger struct {
	mu    sync.Mutex
	fatal string
}

// fatalMessage returns the first fatal message, or nothing.
func (l *natsLogger) fatalMessage() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

// Noticef logs at debug level: a start is two dozen notices, and Caddy's log
// gets one line of our own instead.
func (l *natsLogger) Noticef(format string, v ...any) { l.log(zap.DebugLevel, format, v...) }

// Warnf logs a warning.
func (l *natsLogger) Warnf(format string, v ...any) { l.log(zap.WarnLevel, format, v...) }

// Errorf logs an error.
func (l *natsLogger) Errorf(format string, v ...any) { l.log(zap.ErrorLevel, format, v...) }

// Fatalf logs an error and remembers it. The process goes on: a reload that
// fails must leave Caddy serving.
func (l *natsLogger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	if l.fatal == "" {
		l.fatal = fmt.Sprintf(format, v...)
	}
	l.mu.Unlock()
	l.log(zap.ErrorLevel, format, v...)
}

// Debugf logs at debug level.
func (l *natsLogger) Debugf(format string, v ...any) { l.log(zap.DebugLevel, format, v...) }

// Tracef drops the message: traces contain what clients send, tokens included.
func (l *natsLogger) Tracef(string, ...any) {}

func (l *natsLogger) log(level zapcore.Level, format string, v ...any) {
	logger := caddy.Log().Named(appID)
	if !logger.Core().Enabled(level) {
		return
	}
	if entry := logger.Check(level, strings.TrimSpace(fmt.Sprintf(format, v...))); entry != nil {
		entry.Write()
	}
}

// Interface guards
var _ server.Logger = (*natsLogger)(nil)
