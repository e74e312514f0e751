// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// RejectionLog logs rejected requests, each reason at most once in a while with the
// number of those in between.
type RejectionLog struct {
	logger  *zap.Logger
	reasons []rejectionCount // by reason
}

type rejectionCount struct {
	log    onceAMinute
	silent atomic.Uint64
}

// onceAMinute is how often anything is logged that anybody can bring about: nobody may fill
// the log with it.
type onceAMinute struct{ next atomic.Int64 } // nanoseconds since 1970

func (m *onceAMinute) isDue() bool {
	now, next := time.Now().UnixNano(), m.next.Load()
	return now >= next && m.next.CompareAndSwap(next, now+int64(time.Minute))
}

// NewRejectionLog returns a log that writes to this logger.
func NewRejectionLog(logger *zap.Logger) *RejectionLog {
	return &RejectionLog{logger: logger, reasons: make([]rejectionCount, len(pixel.Reasons())+1)}
}

// Note logs a rejection, or counts it. At debug level every one is logged.
func (l *RejectionLog) Note(r *pixel.Rejection) {
	count := &l.reasons[r.Reason]
	if !count.log.isDue() {
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
