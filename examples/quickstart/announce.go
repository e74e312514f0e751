// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

const (
	// announceTimeout is how long announce waits for a configuration to run.
	// Whoever starts Caddy without one and loads it later needs no hint.
	announceTimeout = 30 * time.Second

	announceTick = 100 * time.Millisecond
)

// announce waits for the first configuration and logs a pixel URL for every
// segment_pixel handler in it, and how to watch the events. It does so once,
// and gives up silently.
func announce() {
	deadline := time.NewTimer(announceTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(announceTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if announced(caddy.ActiveContext()) {
				return
			}
		case <-deadline.C:
			return
		}
	}
}

// announced logs the URLs if ctx runs the http app, and reports whether it
// does.
func announced(ctx caddy.Context) bool {
	app, err := ctx.AppIfConfigured("http")
	if err != nil {
		return false
	}
	logger := caddy.Log().Named("quickstart")
	for _, url := range pixelURLs(app.(*caddyhttp.App)) {
		logger.Info("pixel to try", zap.String("url", url))
		logger.Info("watch events", zap.String("command", watchCommand(ctx)))
	}
	return true
}

// watchCommand returns the command that prints the events, which reach the
// default NATS server unless the one in this process says otherwise.
func watchCommand(ctx caddy.Context) string {
	if app, err := ctx.AppIfConfigured("segment_pixel_nats"); err == nil {
		return app.(*natsserver.App).WatchCommand()
	}
	return "go run ./examples/consumer"
}
