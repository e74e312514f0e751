// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"testing"
	"time"
)

// Patience is how long tests wait for what takes milliseconds on an idle machine.
const Patience = 2 * time.Minute

// Eventually fails the test if the condition does not come to hold.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", Patience, what)
		}
	}
}
