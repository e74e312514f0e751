// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// lookupTimeout bounds asking for the stream of a subject.
	lookupTimeout = 2 * time.Second
	// maxLookups bounds the subjects that are asked for in a round.
	maxLookups = 16

	// uncoveredWait is how long events whose subject has no stream wait for one
	// before the first of them is set aside: a stream may be deleted to be created
	// anew. Meanwhile they hold up the others, so that later ones of the same
	// subject are not waited for, for as long as uncoveredKnown.
	uncoveredWait  = time.Minute
	uncoveredKnown = 10 * time.Minute
	// maxUncovered bounds the subjects that are remembered.
	maxUncovered = 1000
)

// setAsideUncovered sets aside those events that found no stream for a reason that
// lies in their subject alone. Whether that is so is asked of the server: when the
// stream is gone altogether, or has no leader, they have to wait.
//
// A subject that the server maps to another looks uncovered as well. Therefore it
// has to be found so twice, and its events have to be refused in between, while
// the stream was there.
func (f *Forwarder) setAsideUncovered(ctx context.Context, route Route, session *Session, w *window, failed failures, waited time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	setAside := false
	lookups := 0
	for subject := range failed.suspects {
		if lookups++; lookups > maxLookups {
			break
		}
		if !uncovered(ctx, route, session, subject) {
			delete(w.uncovered, subject)
			delete(f.uncovered, subject)
			continue
		}
		if _, before := w.uncovered[subject]; !before {
			w.uncovered[subject] = struct{}{}
			continue
		}
		if waited < f.uncoveredWait && time.Since(f.uncovered[subject]) > uncoveredKnown {
			continue
		}
		f.rememberUncovered(subject)
		if f.setAsideSubject(route, session, w, subject) {
			setAside = true
		}
	}
	f.acknowledgeSettled(w)
	return setAside
}

func (f *Forwarder) rememberUncovered(subject string) {
	if len(f.uncovered) >= maxUncovered {
		clear(f.uncovered)
	}
	f.uncovered[subject] = time.Now()
}

func (f *Forwarder) setAsideSubject(route Route, session *Session, w *window, subject string) bool {
	setAside := false
	for i := range w.entries {
		if w.settled[i] || w.entries[i].Subject != subject {
			continue
		}
		if err := f.setAside(route, session, &w.entries[i], ErrUncovered); err != nil {
			f.health.fails(err)
			return setAside
		}
		w.settle(i)
		setAside = true
	}
	return setAside
}

// uncovered tells whether there are streams for events but none for this subject.
// It looks at the subject both before and after, as streams may come and go.
func uncovered(ctx context.Context, route Route, session *Session, subject string) bool {
	if !hasNoStream(ctx, session, subject) {
		return false
	}
	if has, err := route.HasStream(ctx, session); err != nil || !has {
		return false
	}
	return hasNoStream(ctx, session, subject)
}

func hasNoStream(ctx context.Context, session *Session, subject string) bool {
	_, err := session.JetStream.StreamNameBySubject(ctx, subject)
	return errors.Is(err, jetstream.ErrStreamNotFound)
}
