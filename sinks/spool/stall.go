// SPDX-License-Identifier: Apache-2.0

package spool

import "time"

// stallAfter is how long a commit may take. It is long enough for a busy disk, and no
// longer than somebody waits for a pixel.
const stallAfter = 5 * time.Second

// giveUpStalled ends the waiting of all who have an event in a group, if the oldest
// commit takes too long, as on a disk behind a network that is gone. The caller who leads it cannot be helped: the system has not
// returned from its call. Until it has, no event is taken.
func (s *Spool) giveUpStalled() {
	s.mu.Lock()
	if s.stalled || len(s.gathering) == 0 || time.Since(s.began) < s.tuning.stallAfter {
		s.mu.Unlock()
		return
	}
	s.stalled = true
	for _, g := range s.gathering {
		g.stalled, g.err = true, ErrStalled
		g.done.Done()
	}
	for _, g := range s.gathering[1:] {
		g.turn <- false
	}
	clear(s.gathering[1:])
	s.gathering = s.gathering[:1]
	s.trouble.fail(ErrStalled)
	s.report(s.unlock()...)
}
