// SPDX-License-Identifier: Apache-2.0

// Command caddy is the Caddy that the benchmark measures: the standard modules
// and segment_pixel, and nothing else.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/segmentpixel/caddy-segment-pixel"
)

func main() {
	caddycmd.Main()
}
