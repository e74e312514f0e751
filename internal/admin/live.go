// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

const (
	// heartbeat is how often a quiet stream of events shows that it is alive, which
	// also finds out that a client has gone.
	heartbeat = 15 * time.Second

	// livePause is how often new records are sent at most: at thousands a second, one
	// write for each would serve nobody.
	livePause = 50 * time.Millisecond
)

// serveLive sends records as server-sent events until the client goes or the
// configuration ends. A client that comes back goes on where it was.
func (a *API) serveLive(w http.ResponseWriter, r *http.Request) error {
	wanted, err := parseSelection(r.URL.Query())
	if err != nil {
		return badRequest(err)
	}
	from, err := liveStart(r)
	if err != nil {
		return badRequest(err)
	}
	stream := &liveStream{w: w, control: http.NewResponseController(w), selection: wanted}
	if err := stream.begin(); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	unloaded, replaced := a.ending()
	var pause <-chan time.Time // there while new records are let gather
	var wait <-chan struct{}
	for {
		if pause == nil {
			page := watch.Recent.Read(&from, wanted.filter)
			if err := stream.send(&page); err != nil {
				return nil // The client has gone.
			}
			if wait = page.Wait; wait == nil {
				continue
			}
		}
		select {
		case <-wait:
			wait, pause = nil, time.After(livePause)
		case <-pause:
			pause = nil
		case <-beat.C:
			if err := stream.write(": still here\n\n"); err != nil {
				return nil // The client has gone.
			}
		case <-r.Context().Done():
			return nil
		case <-unloaded:
			return nil
		case <-replaced:
			return nil
		}
	}
}

// liveStart is where a stream begins: behind the record that a client saw last, or
// with what is kept, or with recent=false at the next record.
func liveStart(r *http.Request) (watch.Cursor, error) {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		if id, err := strconv.ParseUint(last, 10, 64); err == nil {
			return watch.Recent.After(id), nil
		}
	}
	query := r.URL.Query()
	if query.Has("recent") {
		if with, err := flagged(query, "recent"); err != nil {
			return watch.Cursor{}, err
		} else if !with {
			return watch.Recent.Newest(), nil
		}
	}
	return watch.Recent.After(0), nil
}

// liveStream writes server-sent events.
type liveStream struct {
	w         http.ResponseWriter
	control   *http.ResponseController
	selection *selection
}

func (s *liveStream) begin() error {
	// Caddy's admin server would end a request that lasts longer than its time for
	// reading.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("Cache-Control", "no-store")
	s.w.WriteHeader(http.StatusOK)
	return s.write(": segment_pixel\n\n")
}

func (s *liveStream) send(page *watch.Page) error {
	if page.Missed == 0 && len(page.Records) == 0 {
		return nil
	}
	text := []byte{}
	if page.Missed > 0 {
		text = fmt.Appendf(text, "event: missed\ndata: {\"missed\":%d}\n\n", page.Missed)
	}
	for _, view := range s.selection.views(page) {
		line, err := json.Marshal(view)
		if err != nil {
			return err
		}
		text = fmt.Appendf(text, "id: %d\ndata: %s\n\n", view.ID, line)
	}
	return s.write(string(text))
}

func (s *liveStream) write(text string) error {
	// A client that does not read must not keep this goroutine for ever.
	if err := s.control.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil { //nolint:gosec // JSON in an event stream, which no browser takes for a page
		return err
	}
	return s.control.Flush()
}
