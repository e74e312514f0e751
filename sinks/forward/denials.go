// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// maxDenials bounds the subjects that are remembered: no window has more.
const maxDenials = maxEvents

// Denials are the subjects to which the server has not let our user publish in this
// session, and when it last said so. It says so outside of any answer to the message.
// The zero value is ready, and safe for concurrent use.
type Denials struct {
	mu      sync.Mutex
	last    map[string]time.Time
	changed chan struct{} // closed at the next change, if anybody waits for it
}

// Note takes in an error of the connection, which may be a denial or anything else.
func (d *Denials) Note(err error) {
	subject, ok := deniedSubject(err)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil || len(d.last) >= maxDenials {
		// What is forgotten is denied again at the next try.
		d.last = make(map[string]time.Time)
	}
	d.last[subject] = time.Now()
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// Since tells whether the server has denied the subject at that time or later.
func (d *Denials) Since(subject string, t time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, denied := d.last[subject]
	return denied && !last.Before(t)
}

// Next returns what is closed at the next change.
func (d *Denials) Next() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.changed
}

// denial is how a server begins to say that a user may not publish to a subject, which
// it then quotes. What it says of subscriptions and of replies has other words.
const denial = "Permissions Violation for Publish to "

// deniedSubject returns the subject that an error says is denied, if it does.
func deniedSubject(err error) (subject string, ok bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return "", false
	}
	_, rest, found := strings.Cut(err.Error(), denial)
	if !found {
		return "", false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", false
	}
	subject, err = strconv.Unquote(quoted)
	return subject, err == nil
}
