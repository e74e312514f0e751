// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	// What a Caddy with this module has besides the handler and its sinks: the admin
	// endpoint and the commands.
	_ "github.com/segmentpixel/caddy-segment-pixel/internal/admin"
	_ "github.com/segmentpixel/caddy-segment-pixel/internal/command"
)
