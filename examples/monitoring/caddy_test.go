// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"strconv"
	"testing"

	_ "github.com/segmentpixel/caddy-segment-pixel"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// freePort returns a port as it stands in a URL.
func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(pixeltest.FreePort(t))
}
