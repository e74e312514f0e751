// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// maxEmitterQueue bounds the changes of state that wait for the handlers of events.
// State changes are rare; only a handler that hangs lets so many gather.
const maxEmitterQueue = 64

// emitterPatience is how long the end of a configuration waits for handlers of events.
const emitterPatience = time.Second

// emitter passes changes of state on to Caddy's events app. The handlers of events
// are called synchronously and may take their time, so this happens in a goroutine
// of its own: no request and no delivery waits for them.
type emitter struct {
	ctx    caddy.Context
	events *caddyevents.App
	logger *zap.Logger

	mu    sync.Mutex
	queue chan report.Change // nil while the configuration does not run
	begun bool               // that the queue is passed on
	ended chan struct{}      // closed when the last of the queue has been passed on
}

func newEmitter(ctx caddy.Context, events *caddyevents.App) *emitter {
	return &emitter{ctx: ctx, events: events, logger: ctx.Logger()}
}

// start begins to gather changes.
func (e *emitter) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queue != nil {
		return
	}
	e.queue, e.ended, e.begun = make(chan report.Change, maxEmitterQueue), make(chan struct{}), false
}

// Handle implements caddyevents.Handler. It begins to pass changes on when all apps
// have started. Until then the events app may still be noting who wants them: it must
// not be called, and would lose what it is told.
func (e *emitter) Handle(context.Context, caddy.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queue != nil && !e.begun {
		e.begun = true
		go e.run(e.queue, e.ended)
	}
	return nil
}

func (e *emitter) run(queue <-chan report.Change, ended chan<- struct{}) {
	defer close(ended)
	for change := range queue {
		e.events.Emit(e.ctx, change.Name, change.Data)
	}
}

// stop passes on what waits and ends. The events app passes nothing on any more after
// the configuration has ended, so it is waited for, but not for a handler that hangs.
// It may be called more than once.
func (e *emitter) stop() {
	e.mu.Lock()
	queue, begun := e.queue, e.begun
	e.queue = nil
	e.mu.Unlock()
	if queue == nil || !begun {
		return
	}
	close(queue)
	timer := time.NewTimer(emitterPatience)
	defer timer.Stop()
	select {
	case <-e.ended:
	case <-timer.C:
	}
}

// changed takes a change of state. Without a running configuration it is only in
// the log, where whoever found it has written it.
func (e *emitter) changed(change report.Change) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queue == nil {
		return
	}
	select {
	case e.queue <- change:
	default:
		e.logger.Error("an event handler holds up the events of segment_pixel: this one is left out", zap.String("event", change.Name))
	}
}
