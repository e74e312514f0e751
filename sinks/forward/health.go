// SPDX-License-Identifier: Apache-2.0

package forward

import (
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
// cause, and one when they are delivered again. It is not safe for concurrent use.
type health struct {
	logger   func() *zap.Logger
	quiet    time.Duration
	since    time.Time // of the first failure, zero while all is well
	reported map[string]struct{}
}

// fails notes that events could not be delivered. It is called for every try.
func (h *health) fails(err error) {
	now := time.Now()
	if h.since.IsZero() {
		h.since = now
		h.reported = make(map[string]struct{})
	}
	cause := Explain(err).Error()
	_, known := h.reported[cause]
	if known || now.Sub(h.since) < h.quiet || len(h.reported) >= maxCauses {
		return
	}
	h.reported[cause] = struct{}{}
	h.logger().Warn("events wait in the spool until they can be delivered", zap.String("error", cause))
}

// works notes that events have been delivered.
func (h *health) works() {
	if h.since.IsZero() {
		return
	}
	if len(h.reported) > 0 {
		h.logger().Info("events are delivered again", zap.Duration("after", time.Since(h.since)))
	}
	h.since, h.reported = time.Time{}, nil
}
