// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"runtime"
	"sync"
	"testing"
)

// Callers that are ready to run share a commit, also on one CPU, where none of them
// runs while the leader writes.
func TestGather(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds, callers = 20, 64
	s, log := openFaulty(t, Options{Dir: t.TempDir()})
	for round := range rounds {
		var all sync.WaitGroup
		for n := range callers {
			all.Go(func() {
				if err := s.Append(testEvent(round*callers + n)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	// One for each round, and a few where the scheduler has cut in.
	if got, most := int(log.attempts.Load()), rounds+rounds/2; got > most {
		t.Errorf("%d events took %d commits, want %d at most", rounds*callers, got, most)
	}
	if got := len(pending(t, s)); got != rounds*callers {
		t.Errorf("%d events are in the spool, want %d", got, rounds*callers)
	}
}
