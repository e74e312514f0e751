// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App starts and stops what the segment_pixel handlers of a configuration need:
// connections, writers, key files. It exists because Caddy provisions handlers
// that never run, to validate them and when a reload fails; only an app is told
// that its configuration goes live. It need not be configured. Its options are about
// what can be seen of the handlers on Caddy's admin endpoint, below /segment_pixel/.
//
// It emits these events through Caddy's events app, each on a change of state:
//
// Event | Data
// ------|-----
// `segment_pixel_sink_down` | a sink does not take events, which are dropped: `sink`, `error`
// `segment_pixel_sink_up` | it takes them again, or its configuration has ended: `sink`, `dropped`
// `segment_pixel_nats_disconnected` | NATS is away: `server`, `error`, `hint`
// `segment_pixel_nats_connected` | NATS is there: `server`, `server_name`
// `segment_pixel_delivery_waits` | events wait in a spool: `dir`, `events`, `error`
// `segment_pixel_delivery_resumed` | they are delivered again: `dir`, `after_seconds`
// `segment_pixel_spool_trouble` | a spool is full, fails or cannot be opened: `dir`, `trouble`, `error`
// `segment_pixel_spool_well` | it takes events again: `dir`, `trouble`, `events_refused`
// `segment_pixel_stream_findings` | what streams lack has changed: `server`, `subject`, `streams`, `findings`
type App struct {
	// How many requests the admin endpoint can show, of those that became events and
	// of the others alike, with up to 8 KiB of payload each; at most 10000. -1 keeps
	// none, and then there is no live view either. Default: 500
	Recent int `json:"recent,omitempty"`

	// What the admin endpoint shows of a request's payload: `full`; `redacted`, which
	// is the names of its fields without their values; or `off`. With the latter two,
	// the name of a track event and the message id are hidden as well.
	// Default: `full`
	Payloads string `json:"payloads,omitempty"`

	// How long the oldest event may wait in a spool until
	// /segment_pixel/health/ready says that the server is not ready. Default: 5m
	MaxBacklogAge caddy.Duration `json:"max_backlog_age,omitempty"`

	// Whether the builder of the live page may seal pixels, with the first key of the
	// first handler that has `seal`: `on` or `off`. With `on`, whoever reaches the admin
	// endpoint can make pixels that the site believes. Default: `off`
	BuilderSeals string `json:"builder_seals,omitempty"`

	ctx     caddy.Context
	emitter *emitter

	mu       sync.Mutex
	handlers []*Handler
	running  *handlers.Configuration // nil unless it runs
	ignore   func()                  // ends listening to changes of state
}

const (
	maxRecent            = 10_000
	defaultMaxBacklogAge = caddy.Duration(5 * time.Minute)

	builderSealsOn  = "on"
	builderSealsOff = "off"
)

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "segment_pixel",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision fills in the defaults.
func (a *App) Provision(ctx caddy.Context) error {
	if a.Recent == 0 {
		a.Recent = watch.DefaultRecent
	}
	if a.Payloads == "" {
		a.Payloads = watch.PayloadsFull
	}
	if a.BuilderSeals == "" {
		a.BuilderSeals = builderSealsOff
	}
	if a.MaxBacklogAge == 0 {
		a.MaxBacklogAge = defaultMaxBacklogAge
	}
	a.ctx = ctx
	events, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("getting the events app: %w", err)
	}
	a.emitter = newEmitter(ctx, events.(*caddyevents.App))
	return events.(*caddyevents.App).On("started", a.emitter)
}

// Validate checks the options.
func (a *App) Validate() error {
	if a.Recent < -1 || a.Recent > maxRecent {
		return fmt.Errorf("recent is %d: write a number up to %d, or -1 to keep nothing", a.Recent, maxRecent)
	}
	if a.MaxBacklogAge < 0 {
		return fmt.Errorf("max_backlog_age must be positive")
	}
	if err := checkOneOf("builder_seals", a.BuilderSeals, builderSealsOn, builderSealsOff); err != nil {
		return err
	}
	return watch.CheckPayloads(a.Payloads)
}

// add registers a handler while the configuration is provisioned.
func (a *App) add(h *Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handlers = append(a.handlers, h)
}

// Start starts every handler. When one fails, Caddy cleans up.
func (a *App) Start() error {
	a.emitter.start()
	if app, err := a.ctx.AppIfConfigured("http"); err == nil {
		findAddresses(app.(*caddyhttp.App))
	}
	a.mu.Lock()
	own := slices.Clone(a.handlers)
	started := &handlers.Configuration{
		Since:         time.Now().UTC(),
		MaxBacklogAge: time.Duration(a.MaxBacklogAge),
		Recent:        a.Recent,
		Payloads:      a.Payloads,
		BuilderSeals:  a.BuilderSeals == builderSealsOn,
	}
	for _, h := range own {
		started.Handlers = append(started.Handlers, view{h})
	}
	a.running = started
	a.ignore = report.OnChange(func(change report.Change) {
		if handlers.Running.InForce() == started {
			a.emitter.changed(change)
		}
	})
	a.mu.Unlock()
	handlers.Running.Add(started)
	// Without the lock: a sink may take its time.
	for _, h := range own {
		if err := h.start(a); err != nil {
			return fmt.Errorf("handler of %s: %w", h.place(), err)
		}
	}
	return nil
}

// Stop lets go of what the handlers have opened. Requests that are still under
// way are served to their end.
func (a *App) Stop() error {
	return a.Cleanup()
}

// Cleanup does the same for a configuration that was never started as a whole: a
// request may have opened connections before another app failed to start.
func (a *App) Cleanup() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	handlers.Running.Remove(a.running)
	for _, h := range a.handlers {
		h.stop()
	}
	a.handlers = nil
	if a.ignore != nil {
		a.ignore()
		a.ignore = nil
	}
	if a.emitter != nil {
		a.emitter.stop()
	}
	return nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.Validator    = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
