// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"context"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// capture is a handler of events that hands them to the test.
type capture struct{}

// Captured gets every event that a configuration with CaptureEvents emits.
var Captured = make(chan caddy.Event, 100)

func (*capture) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.capture", New: func() caddy.Module { return new(capture) }}
}

// CaptureEvents are the global options that capture all events of segment_pixel.
const CaptureEvents = `
	events {
		on segment_pixel_sink_down capture
		on segment_pixel_sink_up capture
		on segment_pixel_nats_disconnected capture
		on segment_pixel_nats_connected capture
		on segment_pixel_delivery_waits capture
		on segment_pixel_delivery_resumed capture
		on segment_pixel_spool_trouble capture
		on segment_pixel_spool_well capture
		on segment_pixel_stream_findings capture
	}
`

// AwaitEvent returns the next event of this name, and drops those before it.
func AwaitEvent(t *testing.T, name string) map[string]any {
	t.Helper()
	for {
		if e := Receive(t, Captured); e.Name() == name {
			return e.Data
		}
	}
}

func init() {
	caddy.RegisterModule(new(capture))
}

func (*capture) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*capture) Handle(_ context.Context, e caddy.Event) error {
	Captured <- e
	return nil
}
