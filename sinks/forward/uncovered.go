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
)

// setAsideUncovered sets aside those events that found no stream for a reason that
// lies in their subject alone. Whether that is so is asked of the server: when the
// stream is gone altogether, or has no leader, they have to wait.
//
// A subject that the server maps to another looks uncovered as well. Therefore it
// has to be found so twice, and its events have to be refused in between, while
// the stream was there.
func (f *Forwarder) setAsideUncovered(ctx context.Context, route Route, session *Session, w *window, failed failures, wait time.Duration) bool {
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
			delete(f.strays, subject)
			continue
		}
		if _, before := w.uncovered[subject]; !before {
			w.uncovered[subject] = struct{}{}
			continue
		}
		if !f.waited(subject, wait) {
			continue
		}
		some, err := f.setAsideStray(route, session, w, subject, ErrUncovered)
		if err != nil {
			f.health.fails(err)
		}
		setAside = setAside || some
	}
	f.acknowledgeSettled(w)
	return setAside
}

// uncovered tells whether there are streams for events but none for this subject.
// It looks at the subject both before and after, as streams may come and go.
func uncovered(ctx context.Context, route Route, session *Session, subject string) bool {
	if !hasNoStream(ctx, route, session, subject) {
		return false
	}
	if has, err := route.HasStream(ctx, session); err != nil || !has {
		return false
	}
	return hasNoStream(ctx, route, session, subject)
}

// hasNoStream tells whether no stream has the subject, or another than the expected one.
func hasNoStream(ctx context.Context, route Route, session *Session, subject string) bool {
	name, err := session.JetStream.StreamNameBySubject(ctx, subject)
	if err == nil {
		expected := route.Stream()
		return expected != "" && name != expected
	}
	return errors.Is(err, jetstream.ErrStreamNotFound)
}
