// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// calm is how long a sink has to work without an error before it counts as
// healthy again, so that one that fails now and then is not logged now and then.
const calm = 5 * time.Second

// sinkHealth turns the results of single events into one log line for each change
// of state.
type sinkHealth struct {
	sink   string
	logger *zap.Logger
	emit   *emitter

	failing atomic.Bool
	mu      sync.Mutex
	since   time.Time
	last    time.Time // of the failures
	mended  time.Time // of the last event that was taken since
	cause   error     // of the first failure
	dropped uint64

	refused      uint64    // events that were dropped for what they are
	refusedAgain time.Time // when that may be logged again
}

// refusedPause is how long dropped events are silent that are themselves to blame:
// anybody can send them.
const refusedPause = time.Minute

// note takes the result of one event. Of a healthy sink that works, it costs one
// atomic load.
func (h *sinkHealth) note(err error) {
	if err == nil && !h.failing.Load() {
		return
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.worked(now)
	case liesInEvent(err):
		h.refuse(err, now)
	default:
		h.fail(err, now)
	}
}

// liesInEvent tells whether the event is to blame, and the sink would take another.
func liesInEvent(err error) bool {
	cause := report.CauseOf(err)
	return cause == report.CauseTooLarge || cause == report.CauseRefused
}

func (h *sinkHealth) refuse(err error, now time.Time) {
	h.refused++
	if now.Before(h.refusedAgain) {
		return
	}
	h.refusedAgain = now.Add(refusedPause)
	h.logger.Error("the sink does not take an event, which was answered and is dropped; this is not logged again for a minute",
		zap.Error(err), zap.Uint64("dropped", h.refused))
	h.refused = 0
}

func (h *sinkHealth) fail(err error, now time.Time) {
	h.last = now
	h.dropped++
	if h.failing.Load() {
		return
	}
	h.failing.Store(true)
	h.since, h.dropped, h.cause = now, 1, err
	h.logger.Error("the sink does not take events: they are answered and dropped until it does", zap.Error(err))
	h.emit.changed(report.Change{Name: "segment_pixel_sink_down", Data: map[string]any{"sink": h.sink, "error": err.Error()}})
}

func (h *sinkHealth) worked(now time.Time) {
	h.mended = now
	if !h.failing.Load() || now.Sub(h.last) < calm {
		return
	}
	h.failing.Store(false)
	h.logger.Info("the sink takes events again",
		zap.Uint64("dropped", h.dropped), zap.Duration("after", now.Sub(h.since)))
	h.emitUp()
}

func (h *sinkHealth) emitUp() {
	h.emit.changed(report.Change{Name: "segment_pixel_sink_up", Data: map[string]any{"sink": h.sink, "dropped": h.dropped}})
}

// end reports what was dropped when the configuration ends before the sink has
// recovered.
func (h *sinkHealth) end() {
	if !h.failing.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing.Swap(false) {
		h.logger.Warn("stopped while the sink did not take events",
			zap.Uint64("dropped", h.dropped), zap.Duration("after", time.Since(h.since)))
		h.emitUp() // The next configuration begins anew.
	}
}

// fresh is how long a sink that has dropped an event counts as failing. Without new
// events nobody knows, and a server that is sent none for not being ready must not
// wait for one.
const fresh = 30 * time.Second

// problem says how many events are being dropped, and why; empty if none are.
func (h *sinkHealth) problem() string {
	if !h.failing.Load() {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.failing.Load() || h.mended.After(h.last) || time.Since(h.last) >= fresh {
		return ""
	}
	return fmt.Sprintf("events are answered and dropped, %d so far: %v", h.dropped, h.cause)
}
