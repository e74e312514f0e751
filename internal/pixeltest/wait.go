// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// Patience is how long tests wait for what takes milliseconds on an idle machine.
const Patience = natstest.Patience

// FreePort returns a port that was free a moment ago.
func FreePort(t *testing.T) int {
	t.Helper()
	return natstest.FreePort(t)
}

// Eventually waits for cond, and fails the test when it does not come about.
func Eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	natstest.Eventually(t, what, cond)
}

// Receive fails the test if nothing comes out of the channel.
func Receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	return natstest.Receive(t, from)
}
