// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// writePatience is how long a client may take to read before it is dropped.
const writePatience = 5 * time.Second

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	return &stream{w, http.NewResponseController(w)}
}

func (s *stream) begin() error {
	// Caddy's admin server would end a request that lasts longer than its time for
	// reading.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("Cache-Control", "no-store")
	s.w.WriteHeader(http.StatusOK)
	return s.write([]byte(": segment_pixel\n\n"))
}

func (s *stream) write(frame []byte) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return err
	}
	if _, err := s.w.Write(frame); err != nil {
		return err
	}
	return s.control.Flush()
}

// recordFrames appends an event for each record.
func recordFrames(to []byte, views []watch.View) ([]byte, error) {
	for i := range views {
		line, err := json.Marshal(&views[i])
		if err != nil {
			return nil, err
		}
		to = fmt.Appendf(to, "id: %d\ndata: %s\n\n", views[i].ID, line)
	}
	return to, nil
}

// namedFrame appends an event with a name.
func namedFrame(to []byte, name string, value any) ([]byte, error) {
	line, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(to, "event: %s\ndata: %s\n\n", name, line), nil
}
