// SPDX-License-Identifier: Apache-2.0

// Package natsoption is the global option segment_pixel_nats, also in a Caddy without the
// NATS server: there it says what to build in, where Caddy itself would know no such option.
package natsoption

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// Name is that of the option.
const Name = "segment_pixel_nats"

var parse httpcaddyfile.UnmarshalGlobalFunc = func(d *caddyfile.Dispenser, _ any) (any, error) {
	d.Next() // consume the option name, so that the error has its line
	return nil, d.Errf("this Caddy has no NATS server: leave the block of %s out and run NATS by itself, "+
		"or build Caddy with the package github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver", Name)
}

func init() {
	httpcaddyfile.RegisterGlobalOption(Name, func(d *caddyfile.Dispenser, existing any) (any, error) { return parse(d, existing) })
}

// Parse has the option parsed by f. The package of the server calls it once.
func Parse(f httpcaddyfile.UnmarshalGlobalFunc) { parse = f }
