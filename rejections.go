// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// refusalPause is how long a reason is silent after it has been logged: anybody
// can send bad pixels, and nobody may fill the log with them.
const refusalPause = time.Minute

// refusalLog logs refused requests, each reason at most once in a while with the
// number of those in between.
type refusalLog struct {
	logger  *zap.Logger
	reasons []refusalCount // by reason
}

type refusalCount struct {
	nextLog atomic.Int64 // nanoseconds since 1970
	silent  atomic.Uint64
}

func newRefusalLog(logger *zap.Logger) *refusalLog {
	return &refusalLog{logger: logger, reasons: make([]refusalCount, len(pixel.Reasons())+1)}
}

// note logs a refusal, or counts it. At debug level every one is logged.
func (l *refusalLog) note(r *pixel.Rejection) {
	count := &l.reasons[r.Reason]
	now := time.Now().UnixNano()
	next := count.nextLog.Load()
	if now < next || !count.nextLog.CompareAndSwap(next, now+int64(refusalPause)) {
		count.silent.Add(1)
		if entry := l.logger.Check(zap.DebugLevel, "refused"); entry != nil {
			entry.Write(refusalFields(r)...)
		}
		return
	}
	l.logger.Warn("refused a pixel; the same reason is not logged again for a minute",
		append(refusalFields(r), zap.Uint64("unlogged_since", count.silent.Swap(0)))...)
}

func refusalFields(r *pixel.Rejection) []zap.Field {
	return []zap.Field{
		zap.Stringer("reason", r.Reason),
		zap.String("detail", r.Detail),
		zap.Stringer("type", r.Type),
		zap.String("source", r.Source),
	}
}
