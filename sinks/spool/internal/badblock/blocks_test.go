// SPDX-License-Identifier: Apache-2.0

package badblock

import (
	"testing"
	"time"
)

// TestBeyondTheSurvey has more bad blocks than can be tried at once: those that the time
// did not suffice for keep what is known of them.
func TestBeyondTheSurvey(t *testing.T) {
	const a, b, patience = 0, BlockSize, time.Minute
	works := func() bool { return true }
	start := time.Now()
	var blocks Blocks
	for range LeastTries {
		blocks.Failed([]int64{a, b}, 2*BlockSize, start)
	}
	blocks.Failed([]int64{a}, b, start) // slowly
	if !blocks.GiveUp(patience, start.Add(patience), works) || !blocks.Without(a, nil) || !blocks.Without(b, nil) {
		t.Error("two blocks were not given up together")
	}
	blocks.Failed(nil, 2*BlockSize, start)
	if blocks.Without(a, nil) || blocks.Without(b, nil) {
		t.Error("what can be read is given up")
	}
}
