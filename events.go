// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// maxEmitterQueue bounds the changes of state that wait for the handlers of events.
// State changes are rare; only a handler that hangs lets so many gather.
const maxEmitterQueue = 64

// emitter passes changes of state on to Caddy's events app. The handlers of events
// are called synchronously and may take their time, so this happens in a goroutine
// of its own: no request and no delivery waits for them.
type emitter struct {
	ctx    caddy.Context
	events *caddyevents.App
	logger *zap.Logger

	mu    sync.Mutex
	queue chan sinks.Change // nil while the configuration does not run
}

func newEmitter(ctx caddy.Context, events *caddyevents.App) *emitter {
	return &emitter{ctx: ctx, events: events, logger: ctx.Logger()}
}

// start begins to pass changes on.
func (e *emitter) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queue != nil {
		return
	}
	e.queue = make(chan sinks.Change, maxEmitterQueue)
	go e.run(e.queue)
}

func (e *emitter) run(queue <-chan sinks.Change) {
	for change := range queue {
		e.events.Emit(e.ctx, change.Name, change.Data)
	}
}

// stop passes on what waits and ends. It may be called more than once.
func (e *emitter) stop() {
	e.mu.Lock()
	queue := e.queue
	e.queue = nil
	e.mu.Unlock()
	if queue != nil {
		close(queue)
	}
}

// changed takes a change of state. Without a running configuration it is only in
// the log, where whoever found it has written it.
func (e *emitter) changed(change sinks.Change) {
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
