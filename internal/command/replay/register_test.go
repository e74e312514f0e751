// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	// The tests run a Caddy that has all of this module.
	_ "github.com/segmentpixel/caddy-segment-pixel"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func init() { pixeltest.BeCaddy() }
