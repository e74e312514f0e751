// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func init() {
	caddy.RegisterModule(new(Log))
}

// Log writes each event, payload and all, to Caddy's log. It is there for a first
// try: an event is kept no longer than the log is, and a log may be sampled.
type Log struct {
	// The level to log at: debug, info, warn or error. Default: info
	Level string `json:"level,omitempty"`

	level  zapcore.Level
	logger *zap.Logger

	counted *meter.Meter
}

const logName = "log"

// CaddyModule returns the Caddy module information.
func (*Log) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + "." + logName,
		New: func() caddy.Module { return new(Log) },
	}
}

// Provision parses the level.
func (l *Log) Provision(ctx caddy.Context) error {
	l.logger = ctx.Logger()
	l.counted = meter.Of(meter.Labels{Sink: logName})
	if l.Level == "" {
		l.Level = zapcore.InfoLevel.String()
	}
	var err error
	l.level, err = parseLevel(l.Level)
	return err
}

func parseLevel(name string) (zapcore.Level, error) {
	for level := zapcore.DebugLevel; level <= zapcore.ErrorLevel; level++ {
		if level.String() == name {
			return level, nil
		}
	}
	return 0, fmt.Errorf("level is %q: write debug, info, warn or error", name)
}

// Publish logs the event.
func (l *Log) Publish(_ context.Context, event *pixel.Event) error {
	if entry := l.logger.Check(l.level, "event"); entry != nil {
		entry.Write(
			zap.String("source", event.Source),
			zap.Stringer("type", event.Type),
			zap.Reflect("event", json.RawMessage(event.Body)),
		)
		l.counted.Sent(1)
	}
	return nil
}

// meter implements metered.
func (l *Log) meter() *meter.Meter { return l.counted }

// Status implements Reporter.
func (l *Log) Status() report.Status {
	status := report.Status{Ready: l.logger.Core().Enabled(l.level), Counts: l.counted.Counts()}
	if !status.Ready {
		status.AddProblem("log", "lower the level of the log, or raise that of the sink",
			"Caddy's log does not take lines of the level %s, so events are not written", l.Level)
	}
	return status
}

// UnmarshalCaddyfile sets up the sink from Caddyfile tokens. Syntax:
//
//	sink log [debug|info|warn|error]
func (l *Log) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume sink name
	if d.NextArg() {
		l.Level = d.Val()
		if _, err := parseLevel(l.Level); err != nil {
			return d.WrapErr(err)
		}
	}
	if d.NextArg() {
		return d.Errf("sink log takes at most one argument: unexpected '%s'", d.Val())
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("sink log has no options: unexpected '%s'", d.Val())
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Log)(nil)
	_ caddyfile.Unmarshaler = (*Log)(nil)
	_ Sink                  = (*Log)(nil)
	_ Reporter              = (*Log)(nil)
	_ metered               = (*Log)(nil)
)
