// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"strings"
	"time"
)

// A stray is a subject whose events cannot be stored, for a reason that lies in that
// subject alone: no stream takes it, or the server does not let our user publish to
// it, while others are stored. That is not for ever: a stream may be deleted to be
// created anew, and a permission be given.

const (
	// strayWait is how long events of a stray wait before the first of them is set
	// aside. Later ones are set aside as soon as they have been tried, for as long as
	// strayKnown after the last one was.
	strayWait  = time.Minute
	strayKnown = 10 * time.Minute
	// maxStrays bounds the subjects that are remembered.
	maxStrays = 1000
)

// strays are the subjects that were found to be so, and when last.
type strays map[string]time.Time

func (s strays) know(subject string) bool {
	found, ok := s[subject]
	return ok && time.Since(found) <= strayKnown
}

func (s strays) remember(subject string) {
	if len(s) >= maxStrays {
		clear(s)
	}
	s[strings.Clone(subject)] = time.Now() // it may be a part of a larger text
}

// waited tells whether events of a stray have waited long enough to be set aside.
func (f *Forwarder) waited(subject string, wait time.Duration) bool {
	return wait >= f.strayWait || f.strays.know(subject)
}

// setAsideStray sets aside what the window holds of a subject.
func (f *Forwarder) setAsideStray(route Route, session *Session, w *window, subject string, cause error) (setAside bool, err error) {
	f.strays.remember(subject)
	for i := range w.entries {
		if w.settled[i] || w.entries[i].Subject != subject {
			continue
		}
		if err := f.setAside(route, session, &w.entries[i], cause); err != nil {
			return setAside, err
		}
		w.settle(i)
		setAside = true
	}
	return setAside, nil
}
