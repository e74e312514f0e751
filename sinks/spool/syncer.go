// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"time"
)

// every does something at each tick, until it is told to end.
func (s *Spool) every(tick *time.Ticker, end <-chan struct{}, do func()) {
	defer s.background.Done()
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-end:
			return
		}
	}
}

// syncEvery sets the interval at which what was written is synced. With SyncAlways there is
// nothing to do but for what was written before a reload.
func (s *Spool) syncEvery(interval time.Duration) {
	if interval == SyncOff {
		s.syncTick.Stop()
	} else {
		s.syncTick.Reset(cmp.Or(interval, time.Second))
	}
}

// syncNow syncs what was written, for the interval. It is not an error again that the
// segment cannot be synced when that is known.
func (s *Spool) syncNow() {
	if err := s.log.Sync(); err != nil && !s.suspect.Swap(true) {
		s.failOn(err)
	}
}
