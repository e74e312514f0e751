// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// quiet is how long a trouble may last before it is worth a line: leaders
	// change, and connections come back, within moments.
	quiet = 2 * time.Second

	// maxCauses bounds the lines about one time of trouble.
	maxCauses = 8
)

// health writes a line when events begin to wait in the spool, one for each further
// cause, and one when they are delivered again. Only waiting is safe for concurrent
// use.
type health struct {
	directory string // of the spool
	logger    func() *zap.Logger
	changed   func(Change) // may be nil
	quiet     time.Duration
	since     time.Time // of the first failure, zero while all is well
	reported  map[string]struct{}
	waiting   atomic.Pointer[string] // the last cause, from the first failure on
}

// fails notes that events could not be delivered. It is called for every try.
func (h *health) fails(err error) {
	now := time.Now()
	if h.since.IsZero() {
		h.since = now
		h.reported = make(map[string]struct{})
	}
	cause := Explain(err).Error()
	if last := h.waiting.Load(); last == nil || *last != cause {
		h.waiting.Store(&cause)
	}
	_, known := h.reported[cause]
	if known || now.Sub(h.since) < h.quiet || len(h.reported) >= maxCauses {
		return
	}
	h.reported[cause] = struct{}{}
	h.logger().Warn("events wait in the spool until they can be delivered",
		zap.String("dir", h.directory), zap.String("error", cause))
	if h.changed != nil {
		h.changed(Change{Waits: true, Cause: cause})
	}
}

// works notes that events have been delivered.
func (h *health) works() {
	if h.since.IsZero() {
		return
	}
	after, said := time.Since(h.since), len(h.reported) > 0
	h.since, h.reported = time.Time{}, nil
	h.waiting.Store(nil)
	if !said {
		return
	}
	h.logger().Info("events are delivered again", zap.String("dir", h.directory), zap.Duration("after", after))
	if h.changed != nil {
		h.changed(Change{After: after})
	}
}
