// SPDX-License-Identifier: Apache-2.0

// Package args is the name by which sinks/stream still knows sinks/args.
package args

import "github.com/segmentpixel/caddy-segment-pixel/sinks/args"

// What stands there.
var (
	Arguments = args.Arguments
	Checked   = args.Checked
	Duration  = args.Duration
	Int       = args.Int
	Size      = args.Size
)
