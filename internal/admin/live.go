// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

const (
	// heartbeat is how often a quiet stream of events shows that it is alive, which
	// also finds out that a client has gone.
	heartbeat = 15 * time.Second

	// stateInterval is how often a stream that shows it says how things are.
	stateInterval = 2 * time.Second
)

// serveLive sends records as server-sent events until the client goes or the
// configuration ends. A client that comes back goes on where it was. With the parameter
// state the stream also says how things are, so that a page need not ask.
func (a *API) serveLive(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	wanted, err := parseSelection(query)
	if err != nil {
		return badRequest(err)
	}
	withState, err := flagged(query, "state")
	if err != nil {
		return badRequest(err)
	}
	from, err := liveStart(query, r.Header.Get("Last-Event-ID"))
	if err != nil {
		return badRequest(err)
	}
	stream := newStream(w)
	if err := stream.begin(); err != nil {
		return err
	}
	live := &liveClient{stream: stream, wanted: wanted, withState: withState}
	unloaded, replaced := a.ending()
	live.serve(from, r.Context().Done(), unloaded, replaced)
	return nil
}

// liveStart is where a stream begins: behind the record that a client saw last, or
// with what is kept, or with recent=false at the next record.
func liveStart(query url.Values, last string) (watch.Cursor, error) {
	if last != "" {
		if id, err := strconv.ParseUint(last, 10, 64); err == nil {
			return watch.Recent.After(id), nil
		}
	}
	if query.Has("recent") {
		if with, err := flagged(query, "recent"); err != nil {
			return watch.Cursor{}, err
		} else if !with {
			return watch.Recent.Newest(), nil
		}
	}
	return watch.Recent.After(0), nil
}

// liveClient is somebody who follows.
type liveClient struct {
	stream    *stream
	wanted    *selection
	withState bool
}

// serve sends what is kept, and then what the feed brings. It ends when the client has
// gone or does not read, or when one of the others is closed.
func (l *liveClient) serve(from watch.Cursor, gone, unloaded, replaced <-chan struct{}) {
	frames, at, leave := feeds.join(l.wanted)
	defer leave()
	if l.sendState() != nil || l.sendKept(from, at) != nil {
		return
	}
	interval := heartbeat
	if l.withState {
		interval = stateInterval
	}
	beat := time.NewTicker(interval)
	defer beat.Stop()
	for {
		var err error
		select {
		case frame, ok := <-frames:
			if !ok {
				return // It has not read for too long.
			}
			err = l.stream.write(frame)
		case <-beat.C:
			err = l.sendState()
		case <-gone:
			return
		case <-unloaded:
			return
		case <-replaced:
			return
		}
		if err != nil {
			return // The client has gone.
		}
	}
}

// sendKept sends what was there before the client came.
func (l *liveClient) sendKept(from, to watch.Cursor) error {
	found := l.wanted.kept(from, to)
	for page, more := found.Next(); more; page, more = found.Next() {
		frame, err := recordFrames(nil, l.wanted.views(&page))
		if err != nil {
			return err
		}
		if err := l.stream.write(frame); err != nil {
			return err
		}
	}
	return nil
}

func (l *liveClient) sendState() error {
	if !l.withState {
		return l.stream.write([]byte(": still here\n\n"))
	}
	frame, err := states.frame(l.wanted.redact)
	if err != nil {
		return err
	}
	return l.stream.write(frame)
}
