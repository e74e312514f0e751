// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// publish hands the event to every sink at once, so that none waits for another.
// It returns when each has done what it promises, or has failed to.
func (h *Handler) publish(ctx context.Context, o *watch.Outcome) {
	if entry := h.logger.Check(zap.DebugLevel, "accepted"); entry != nil {
		entry.Write(zap.String("source", o.Source), zap.Stringer("type", o.Type),
			zap.String("message_id", o.MessageID), zap.Strings("repairs", o.Event.Repairs.Names()))
	}
	if len(h.sinks) == 1 {
		o.DroppedBy(h.sinks[0].name, h.sinks[0].publish(ctx, o.Event))
		return
	}
	ctx = subject.WithSharedReplacer(ctx)
	failures := make([]error, len(h.sinks))
	var all sync.WaitGroup
	for i, sink := range h.sinks {
		all.Go(func() { failures[i] = sink.publish(ctx, o.Event) })
	}
	all.Wait()
	for i, sink := range h.sinks {
		o.DroppedBy(sink.name, failures[i])
	}
}

// reject shows why a request became no event.
func (h *Handler) reject(ctx context.Context, rejection *pixel.Rejection) {
	h.rejections.Note(rejection)
	for _, sink := range h.sinks {
		sink.reject(ctx, rejection)
	}
}

// recovered ends a panic in our own code; to be deferred.
func (h *Handler) recovered(o *watch.Outcome) {
	if v := recover(); v != nil {
		o.Result = watch.Failed
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
	name   string // of the module
	health sinkHealth
	logger *zap.Logger
}

func newMountedSink(sink sinks.Sink, logger *zap.Logger, emit *emitter) *mountedSink {
	name := fmt.Sprintf("%T", sink)
	if module, ok := sink.(caddy.Module); ok {
		name = module.CaddyModule().ID.Name()
	}
	logger = logger.With(zap.String("sink", name))
	return &mountedSink{Sink: sink, name: name, logger: logger, health: sinkHealth{sink: name, logger: logger, emit: emit}}
}

func (s *mountedSink) start(site sinks.Site) error {
	if starter, ok := s.Sink.(sinks.Starter); ok {
		if err := starter.Start(site); err != nil {
			return fmt.Errorf("sink %s: %w", s.name, err)
		}
	}
	return nil
}

func (s *mountedSink) stop() {
	if starter, ok := s.Sink.(sinks.Starter); ok {
		starter.Stop()
	}
	s.health.end()
}

// publish returns why the sink has not taken the event, if it has not.
func (s *mountedSink) publish(ctx context.Context, event *pixel.Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
			err = report.ErrPanic
		}
		if err != nil {
			sinks.Dropped(s.Sink, err)
		}
		s.health.note(err)
	}()
	return s.Publish(ctx, event)
}

func (s *mountedSink) reject(ctx context.Context, rejection *pixel.Rejection) {
	rejecter, ok := s.Sink.(sinks.Rejecter)
	if !ok {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
		}
	}()
	if err := rejecter.Reject(ctx, rejection); err != nil {
		if entry := s.logger.Check(zap.DebugLevel, "a rejected request was not passed on"); entry != nil {
			entry.Write(zap.Stringer("reason", rejection.Reason), zap.Error(err))
		}
	}
}

// panicked logs a panic of the sink, unless the sink is known to fail.
func (s *mountedSink) panicked(v any) {
	if !s.health.failing.Load() {
		s.logger.Error("panic in a sink: please report this", panicFields(v)...)
	}
}
