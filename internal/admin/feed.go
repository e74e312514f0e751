// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"sync"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

const (
	// feedPause is how long new records are let gather: at thousands a second, one
	// write for each would serve nobody.
	feedPause = 100 * time.Millisecond
	// feedRate is how many records are sent in each pause while they go on coming, 40
	// a second: more than anybody can read.
	feedRate = 4
	// feedBurst is how many may come at once after a quiet time.
	feedBurst = 500
	// feedBehind is how many frames a client may be behind. Whoever does not read for
	// so long, some seconds, is dropped.
	feedBehind = 32
)

// feed reads records as they come, and encodes them once for all clients that want
// the same. So watching costs the requests nothing that grows with their number.
type feed struct {
	wanted  *selection
	at      watch.Cursor
	clients map[chan []byte]struct{}
	ended   chan struct{} // closed when the last client has left
}

// feedList are the feeds that have clients. The mutex guards what is in them, too.
type feedList struct {
	mu   sync.Mutex
	byID map[string]*feed
}

var feeds = feedList{byID: make(map[string]*feed)}

// join returns the frames of what is wanted, which begin behind the cursor. The channel
// is closed if the client does not read.
func (l *feedList) join(wanted *selection) (frames <-chan []byte, at watch.Cursor, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.byID[wanted.id]
	if f == nil {
		f = &feed{wanted: wanted, at: watch.Recent.Newest(), clients: make(map[chan []byte]struct{}), ended: make(chan struct{})}
		l.byID[wanted.id] = f
		go l.run(f, f.at)
	}
	client := make(chan []byte, feedBehind)
	f.clients[client] = struct{}{}
	return client, f.at, func() { l.leave(f, client) }
}

func (l *feedList) leave(f *feed, client chan []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(f, client)
}

// remove may be called twice for a client. It expects the lock to be held.
func (l *feedList) remove(f *feed, client chan []byte) {
	if _, there := f.clients[client]; !there {
		return
	}
	delete(f.clients, client)
	if len(f.clients) == 0 {
		delete(l.byID, f.wanted.id)
		close(f.ended)
	}
}

// run feeds the clients with what is behind the cursor, until the last has left.
func (l *feedList) run(f *feed, at watch.Cursor) {
	allowed := feedBurst
	for {
		select {
		case <-watch.Recent.Wait(at):
		case <-f.ended:
			return
		}
		to := watch.Recent.Newest()
		frame, sent := f.read(at, to, allowed)
		at = to
		l.send(f, at, frame)
		allowed = min(feedBurst, allowed-sent+feedRate)
		select {
		case <-time.After(feedPause):
		case <-f.ended:
			return
		}
	}
}

// read encodes the records between two cursors, and says how many others there were.
func (f *feed) read(from, to watch.Cursor, most int) (frame []byte, sent int) {
	found := watch.Recent.Find(from, to, f.wanted.filter).Thin(most)
	for page, more := found.Next(); more; page, more = found.Next() {
		views := f.wanted.views(&page)
		sent += len(views)
		var err error
		if frame, err = recordFrames(frame, views); err != nil {
			return nil, sent // It cannot happen: a body is JSON.
		}
	}
	if missed := found.LeftOut + found.Missed; missed > 0 {
		frame, _ = namedFrame(frame, "missed", map[string]uint64{"missed": missed}) // A number can be encoded.
	}
	return frame, sent
}

// send hands a frame to all clients, and drops those that do not read.
func (l *feedList) send(f *feed, at watch.Cursor, frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.at = at
	if len(frame) == 0 {
		return
	}
	for client := range f.clients {
		select {
		case client <- frame:
		default:
			l.remove(f, client)
			close(client)
		}
	}
}
