// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestEventsOfSink has a sink that fails, also after a reload.
func TestEventsOfSink(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	var failing atomic.Bool
	failing.Store(true)
	pixeltest.Hook(t, func(context.Context, *pixel.Event) error {
		if failing.Load() {
			return errors.New("out of paper")
		}
		return nil
	})
	for i, options := range []string{pixeltest.CaptureEvents, pixeltest.CaptureEvents + "\nsegment_pixel"} {
		s.Run(options, "segment_pixel {\nwrite_key k web\nsink hook "+t.Name()+"\n}")
		if i > 0 {
			// The old configuration has ended, and with it what is known of the sink.
			if up := pixeltest.AwaitEvent(t, "segment_pixel_sink_up"); up["sink"] != "hook" || up["dropped"] != uint64(3) {
				t.Errorf("got %v", up)
			}
		}
		for range 3 {
			s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
		}
		down := pixeltest.AwaitEvent(t, "segment_pixel_sink_down")
		if down["sink"] != "hook" || down["error"] != "out of paper" {
			t.Errorf("got %v", down)
		}
		if n := len(pixeltest.Captured); n != 0 {
			t.Errorf("%d more events came", n)
		}
	}
}
