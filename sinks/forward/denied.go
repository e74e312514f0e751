// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// setAsideDenied sets aside those events to whose subject the server does not let our
// user publish, if it stores others: a user who may publish nothing at all, or to
// nothing else, has to be mended by an operator, and all events wait for that.
//
// The permission may be given at any time. So a subject counts as denied only if the
// server has said so in the round that has just ended, in which an event of it was
// tried.
func (f *Forwarder) setAsideDenied(route Route, session *Session, w *window, failed *failures) {
	for subject := range failed.denied {
		since, known := w.denied[subject]
		if !known {
			since = time.Now()
			w.denied[subject] = since
			w.held[subject] = struct{}{}
		}
		if !f.waited(subject, time.Since(since)) || !f.storesOthers(session, subject) {
			continue
		}
		if _, err := f.setAsideStray(route, session, w, subject, ErrDenied); err != nil {
			failed.other = err
			return
		}
		delete(failed.denied, subject)
	}
}

// lastStored is an event that was stored.
type lastStored struct {
	subject string
	at      time.Time
}

// noteStored keeps in mind the last events that were stored, of two subjects.
func (f *Forwarder) noteStored(event *spool.Event, at time.Time) {
	last := &f.lastStored
	if event.Subject != last[0].subject {
		last[0], last[1] = last[1], last[0]
		if event.Subject != last[0].subject {
			last[0].subject = strings.Clone(event.Subject) // it is a part of a larger text
		}
	}
	last[0].at = at
}

// storesOthers tells whether an event of another subject has been stored lately, and
// has not been denied since.
func (f *Forwarder) storesOthers(session *Session, subject string) bool {
	for _, last := range f.lastStored {
		if last.subject != subject && time.Since(last.at) <= strayKnown && !session.Denials.Since(last.subject, last.at) {
			return true
		}
	}
	return false
}
