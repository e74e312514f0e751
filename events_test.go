// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

func init() {
	caddy.RegisterModule(new(capture))
}

// capture is a handler of events that hands them to the test.
type capture struct{}

var captured = make(chan caddy.Event, 100)

func (*capture) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.capture", New: func() caddy.Module { return new(capture) }}
}

func (*capture) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*capture) Handle(_ context.Context, e caddy.Event) error {
	captured <- e
	return nil
}

// captureEvents are the global options that capture all events of segment_pixel.
const captureEvents = `
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

// awaitEvent returns the next event of this name, and drops those before it.
func awaitEvent(t *testing.T, name string) map[string]any {
	t.Helper()
	for {
		if e := receive(t, captured); e.Name() == name {
			return e.Data
		}
	}
}

// TestEventsOfSink has a sink that fails, also after a reload.
func TestEventsOfSink(t *testing.T) {
	s := newAdminSite(t)
	var failing atomic.Bool
	failing.Store(true)
	hook(t, func(context.Context, *pixel.Event) error {
		if failing.Load() {
			return errors.New("out of paper")
		}
		return nil
	})
	for i, options := range []string{captureEvents, captureEvents + "\nsegment_pixel"} {
		s.run(options, "segment_pixel {\nwrite_key k web\nsink hook "+t.Name()+"\n}")
		if i > 0 {
			// The old configuration has ended, and with it what is known of the sink.
			if up := awaitEvent(t, "segment_pixel_sink_up"); up["sink"] != "hook" || up["dropped"] != uint64(3) {
				t.Errorf("got %v", up)
			}
		}
		for range 3 {
			s.get("/v1/pixel/page?" + data(page))
		}
		down := awaitEvent(t, "segment_pixel_sink_down")
		if down["sink"] != "hook" || down["error"] != "out of paper" {
			t.Errorf("got %v", down)
		}
		if n := len(captured); n != 0 {
			t.Errorf("%d more events came", n)
		}
	}
}
