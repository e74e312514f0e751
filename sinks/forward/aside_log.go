// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"strings"
	"time"

	"go.uber.org/zap"
)

// asideAgain is how often the same thing is logged at most.
const asideAgain = time.Minute

// asideKind is what is logged as one: whether events are in the file, and why they were
// set aside.
type asideKind struct {
	kept  bool
	cause string
}

// asideCount counts events until the next line about them.
type asideCount struct {
	last    time.Time
	events  uint64
	subject string // of the first of them
}

// count notes an event that was set aside.
func (a *aside) count(kind asideKind, subject string) {
	count := a.counts[kind]
	if count == nil {
		if kind.kept && len(a.counts) >= maxCauses {
			return // It is in the file.
		}
		if a.counts == nil {
			a.counts = make(map[asideKind]*asideCount)
		}
		count = new(asideCount)
		a.counts[kind] = count
	}
	if count.events == 0 {
		count.subject = strings.Clone(subject) // it is a part of a larger text
	}
	count.events++
}

// report writes a line for each kind of events since the last about it, if that was
// long enough ago, or if it is the end.
func (a *aside) report(logger *zap.Logger, end bool) {
	for kind, count := range a.counts {
		if count.events == 0 || !end && time.Since(count.last) < asideAgain {
			continue
		}
		message := "set aside events that no stream can store"
		if !kind.kept {
			message = "dropped events that no stream can store, as the file for such events is full: move it away"
		}
		logger.Error(message,
			zap.Uint64("events", count.events), zap.String("error", kind.cause),
			zap.String("first_subject", count.subject), zap.String("file", a.name))
		*count = asideCount{last: time.Now()}
	}
}
