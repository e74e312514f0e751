// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"sync"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App starts and stops what the segment_pixel handlers of a configuration need:
// connections, writers, key files. It exists because Caddy provisions handlers
// that never run, to validate them and when a reload fails; only an app is told
// that its configuration goes live. It has no options and need not be configured.
type App struct {
	mu       sync.Mutex
	handlers []*Handler
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "segment_pixel",
		New: func() caddy.Module { return new(App) },
	}
}

// add registers a handler while the configuration is provisioned.
func (a *App) add(h *Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handlers = append(a.handlers, h)
}

// Start starts every handler. When one fails, Caddy cleans up.
func (a *App) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.handlers {
		if err := h.start(a); err != nil {
			return err
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
	for _, h := range a.handlers {
		h.stop()
	}
	a.handlers = nil
	return nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
