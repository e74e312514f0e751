// SPDX-License-Identifier: Apache-2.0

// Command quickstart is Caddy with segment_pixel and a NATS server inside, to
// try the one without building or installing the other. It takes the same
// commands as caddy, and in addition prints a pixel URL to try when it runs:
//
//	go run ./examples/quickstart run --config Caddyfile.example --adapter caddyfile
package main

import (
	"os"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/segmentpixel/caddy-segment-pixel"
	_ "github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		go announce(os.Stderr)
	}
	caddycmd.Main()
}
