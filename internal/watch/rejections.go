// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// rejectionPause is how long a reason is silent after it has been logged: anybody
// can send bad pixels, and nobody may fill the log with them.
const rejectionPause = time.Minute

// RejectionLog logs rejected requests, each reason at most once in a while with the
// number of those in between.
type RejectionLog struct {
	logger  *zap.Logger
	reasons []rejectionCount // by reason
}

type rejectionCount struct {
	nextLog atomic.Int64 // nanoseconds since 1970
	silent  atomic.Uint64
}

// NewRejectionLog returns a log that writes to this logger.
func NewRejectionLog(logger *zap.Logger) *RejectionLog {
	return &RejectionLog{logger: logger, reasons: make([]rejectionCount, len(pixel.Reasons())+1)}
}

// Note logs a rejection, or counts it. At debug level every one is logged.
func (l *RejectionLog) Note(r *pixel.Rejection) {
	count := &l.reasons[r.Reason]
	now := time.Now().UnixNano()
	next := count.nextLog.Load()
	if now < next || !count.nextLog.CompareAndSwap(next, now+int64(rejectionPause)) {
		count.silent.Add(1)
		if entry := l.logger.Check(zap.DebugLevel, "rejected"); entry != nil {
			entry.Write(rejectionFields(r)...)
		}
		return
	}
	l.logger.Warn("rejected a pixel; the same reason is not logged again for a minute",
		append(rejectionFields(r), zap.Uint64("unlogged_since", count.silent.Swap(0)))...)
}

func rejectionFields(r *pixel.Rejection) []zap.Field {
	return []zap.Field{
		zap.Stringer("reason", r.Reason),
		zap.String("detail", r.Detail),
		zap.Stringer("type", r.Type),
		zap.String("source", r.Source),
	}
}
