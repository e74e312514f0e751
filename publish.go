// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// publish hands the event to every sink at once, so that none waits for another.
// It returns when each has done what it promises, and tells whether all have.
func (h *Handler) publish(ctx context.Context, event *pixel.Event) bool {
	if entry := h.logger.Check(zap.DebugLevel, "accepted"); entry != nil {
		entry.Write(zap.String("source", event.Source), zap.Stringer("type", event.Type),
			zap.String("message_id", event.MessageID), zap.Strings("repairs", event.Repairs.Names()))
	}
	if len(h.sinks) == 1 {
		return h.sinks[0].publish(ctx, event)
	}
	ctx = sinks.WithSharedReplacer(ctx)
	var failed atomic.Bool
	var all sync.WaitGroup
	for _, sink := range h.sinks {
		all.Go(func() {
			if !sink.publish(ctx, event) {
				failed.Store(true)
			}
		})
	}
	all.Wait()
	return !failed.Load()
}

// reject shows why a request became no event.
func (h *Handler) reject(ctx context.Context, rejection *pixel.Rejection) {
	h.rejections.note(rejection)
	for _, sink := range h.sinks {
		sink.reject(ctx, rejection)
	}
}

// recovered ends a panic in our own code; to be deferred.
func (h *Handler) recovered() {
	if v := recover(); v != nil {
		h.logger.Error("panic while taking an event: the pixel was answered, the event is lost; please report this", panicFields(v)...)
	}
}

// panicFields describes a panic without what a sink may have put into its value.
func panicFields(v any) []zap.Field {
	what := fmt.Sprintf("%T", v)
	if err, ok := v.(runtime.Error); ok {
		what = err.Error()
	}
	return []zap.Field{zap.String("panic", what), zap.Stack("stack")}
}

// mountedSink is one sink of a handler, together with what is known of its health.
type mountedSink struct {
	sinks.Sink
	health sinkHealth
	logger *zap.Logger
}

func newMountedSink(sink sinks.Sink, logger *zap.Logger) *mountedSink {
	if module, ok := sink.(caddy.Module); ok {
		logger = logger.With(zap.String("sink", module.CaddyModule().ID.Name()))
	}
	return &mountedSink{Sink: sink, logger: logger, health: sinkHealth{logger: logger}}
}

func (s *mountedSink) start(site sinks.Site) error {
	if starter, ok := s.Sink.(sinks.Starter); ok {
		return starter.Start(site)
	}
	return nil
}

func (s *mountedSink) stop() {
	if starter, ok := s.Sink.(sinks.Starter); ok {
		starter.Stop()
	}
	s.health.end()
}

var errPanic = errors.New("the sink panicked")

// publish tells whether the sink has taken the event.
func (s *mountedSink) publish(ctx context.Context, event *pixel.Event) bool {
	err := errPanic
	defer func() {
		s.recovered(recover())
		s.health.note(err)
	}()
	err = s.Publish(ctx, event)
	return err == nil
}

func (s *mountedSink) reject(ctx context.Context, rejection *pixel.Rejection) {
	rejecter, ok := s.Sink.(sinks.Rejecter)
	if !ok {
		return
	}
	defer func() { s.recovered(recover()) }()
	if err := rejecter.Reject(ctx, rejection); err != nil {
		if entry := s.logger.Check(zap.DebugLevel, "a rejected request was not passed on"); entry != nil {
			entry.Write(zap.Stringer("reason", rejection.Reason), zap.Error(err))
		}
	}
}

// recovered logs a panic of the sink, unless the sink is known to fail.
func (s *mountedSink) recovered(v any) {
	if v != nil && !s.health.failing.Load() {
		s.logger.Error("panic in a sink: please report this", panicFields(v)...)
	}
}
