// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

const (
	// announceTimeout is how long announce waits for a configuration to run.
	// Whoever starts Caddy without one and loads it later needs no hint.
	announceTimeout = 30 * time.Second

	announceTick = 100 * time.Millisecond
)

// announce waits for the first configuration and prints a pixel URL for every
// segment_pixel handler in it, and how to watch the events: below what Caddy logs of
// its start, and apart from it. It does so once, and gives up silently.
func announce(out io.Writer) {
	deadline := time.NewTimer(announceTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(announceTick)
	defer tick.Stop()
	text := ""
	for {
		select {
		case <-tick.C:
			if text != "" { // Caddy has had another moment for the last line of its start.
				_, _ = io.WriteString(out, text)
				return
			}
			text = announcement(caddy.ActiveContext())
		case <-deadline.C:
			return
		}
	}
}

// announcement is empty unless ctx runs the http app with a handler.
func announcement(ctx caddy.Context) string {
	app, err := ctx.AppIfConfigured("http")
	if err != nil {
		return ""
	}
	var text strings.Builder
	for _, url := range pixelURLs(app.(*caddyhttp.App)) {
		// In quotes, as a question mark and an ampersand mean something to shells.
		fmt.Fprintf(&text, "\n  Try a pixel:       curl -so /dev/null '%s'\n", url)
		fmt.Fprintf(&text, "  Watch its events:  %s\n", watchCommand(ctx))
	}
	if text.Len() > 0 {
		text.WriteString("\n")
	}
	return text.String()
}

// watchCommand returns the command that prints the events, which reach the
// default NATS server unless the one in this process says otherwise.
func watchCommand(ctx caddy.Context) string {
	if app, err := ctx.AppIfConfigured("segment_pixel_nats"); err == nil {
		return app.(*natsserver.App).WatchCommand()
	}
	return "go run ./examples/consumer"
}
