// SPDX-License-Identifier: Apache-2.0

package natsoption_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// TestWithoutTheServer adapts a Caddyfile with the option in a binary without the server.
func TestWithoutTheServer(t *testing.T) {
	_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\n\tsegment_pixel_nats\n}\n"), map[string]any{"filename": "Caddyfile"})
	if err == nil || !strings.Contains(err.Error(), "sinks/natsserver") || !strings.Contains(err.Error(), "Caddyfile:2") {
		t.Errorf("the error is %v", err)
	}
}
