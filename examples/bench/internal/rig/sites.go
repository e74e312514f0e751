// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Respond is a site that answers pixels with as many bytes as the gif has. A
// configuration of Caddy is text, so it cannot hold the gif.
var Respond = fmt.Sprintf("respond /v1/pixel/* %q", strings.Repeat("x", len(pixel.GIF)))

// FloorName names what all others are compared with: Caddy and an answer of the same
// bytes, without anything that makes it.
const FloorName = "respond, same bytes"

// Floor is the site of that name.
var Floor = `header {
		Content-Type image/gif
		Cache-Control "no-cache, no-store, must-revalidate, max-age=0, private"
		Cross-Origin-Resource-Policy cross-origin
		Access-Control-Allow-Origin *
	}
	` + Respond

// JetStream is the option of segment_pixel for a sink that publishes to a stream, over
// what the text says of its spool.
func JetStream(server, stream, spool string) string {
	return fmt.Sprintf("sink jetstream %s {\n\t\tstream %s\n\t\tsubject %s.{type}\n\t\t%s\n\t}", server, stream, stream, spool)
}
