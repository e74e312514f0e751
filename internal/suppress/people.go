// SPDX-License-Identifier: Apache-2.0

package suppress

import "sync"

// people is a set in memory, about 50 bytes a person. One goroutine changes it; any
// number look people up.
type people struct {
	mu   sync.RWMutex
	seen map[person]uint32 // the reading of the bucket in which each was last there
}

func (s *people) has(p person) bool {
	s.mu.RLock()
	_, found := s.seen[p]
	s.mu.RUnlock()
	return found
}

func (s *people) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.seen)
}

// put tells whether the person was not there before.
func (s *people) put(p person, reading uint32) (added bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[person]uint32)
	}
	_, known := s.seen[p]
	s.seen[p] = reading
	return !known
}

// drop tells whether the person was there.
func (s *people) drop(p person) (dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.seen[p]
	delete(s.seen, p)
	return known
}

// notSeenIn returns who was not there in a reading. Requests are not held up by it.
func (s *people) notSeenIn(reading uint32) (gone []person) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for p, seen := range s.seen {
		if seen != reading {
			gone = append(gone, p)
		}
	}
	return gone
}

// each visits all, while requests go on.
func (s *people) each(visit func(person) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for p := range s.seen {
		if err := visit(p); err != nil {
			return err
		}
	}
	return nil
}
