// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"sync"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// state tells clients how things are. It is put together and encoded once for all who
// ask within a second.
type state struct {
	mu   sync.Mutex
	kept map[bool]encoded // by whether values are left out
}

type encoded struct {
	frame []byte
	at    time.Time
}

var states = state{kept: make(map[bool]encoded)}

// frame is two events, status and summary, with what the endpoints of these names
// answer.
func (s *state) frame(redact bool) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if kept := s.kept[redact]; now.Sub(kept.at) < stateInterval/2 {
		return kept.frame, nil
	}
	frame, err := namedFrame(nil, "status", status.Current())
	if err != nil {
		return nil, err
	}
	if frame, err = namedFrame(frame, "summary", watch.Recent.Summary(redact)); err != nil {
		return nil, err
	}
	s.kept[redact] = encoded{frame, now}
	return frame, nil
}
