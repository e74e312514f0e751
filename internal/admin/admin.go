// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/admin/page"
	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

func init() {
	caddy.RegisterModule(new(API))
}

// API shows on Caddy's admin endpoint what becomes of pixels:
//
//	GET  /segment_pixel/             a page for people
//	GET  /segment_pixel/status       sources, sinks, spools, versions, counters
//	GET  /segment_pixel/health/live  that the process answers
//	GET  /segment_pixel/health/ready whether the sinks can take events, else 503
//	GET  /segment_pixel/recent       the last requests
//	GET  /segment_pixel/live         the same, and those to come, as server-sent events
//	GET  /segment_pixel/summary      problems and events by name, counted
//	GET  /segment_pixel/sources      sources, and their keys as far as /config/ shows them
//	POST /segment_pixel/explain      the steps of decoding a URL
//
// Caddy provisions it before any app. It therefore asks for the configuration in
// force with each request.
type API struct {
	// Each of these is closed when the endpoint is about to end. A stream of events
	// would hold up the end of Caddy's server.
	unloaded <-chan struct{}
	replaced <-chan struct{}
}

// endpoints has the streams of an endpoint end when Caddy makes the next one, which it
// does before it knows whether the configuration works.
var endpoints struct {
	sync.Mutex
	replaced chan struct{} // closed when there is another endpoint
}

// CaddyModule returns the Caddy module information.
func (*API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.segment_pixel",
		New: func() caddy.Module { return new(API) },
	}
}

// Provision remembers how long the endpoint lasts. It has the metrics shown there also
// if the configuration then fails to load, since the endpoint stays.
func (a *API) Provision(ctx caddy.Context) error {
	endpoints.Lock()
	defer endpoints.Unlock()
	if endpoints.replaced != nil {
		close(endpoints.replaced)
	}
	endpoints.replaced = make(chan struct{})
	a.unloaded, a.replaced = ctx.Done(), endpoints.replaced
	return watch.RegisterMetrics(ctx.GetMetricsRegistry())
}

// ending returns what is closed when the endpoint is about to end. An endpoint may
// outlive both its configuration, which has failed to load, and the one that was to
// replace it: a sign that was there before does not count.
func (a *API) ending() (unloaded, replaced <-chan struct{}) {
	return unlessClosed(a.unloaded), unlessClosed(a.replaced)
}

func unlessClosed(c <-chan struct{}) <-chan struct{} {
	select {
	case <-c:
		return nil
	default:
		return c
	}
}

// Routes implements caddy.AdminRouter.
func (a *API) Routes() []caddy.AdminRoute {
	route := func(path, method string, serve caddy.AdminHandlerFunc) caddy.AdminRoute {
		return caddy.AdminRoute{Pattern: adminapi.Path + path, Handler: only(method, serve)}
	}
	return []caddy.AdminRoute{
		route("", http.MethodGet, page.Serve),
		route("status", http.MethodGet, serveStatus),
		route("health/live", http.MethodGet, serveLiveness),
		route("health/ready", http.MethodGet, serveReadiness),
		route("recent", http.MethodGet, serveRecent),
		route("live", http.MethodGet, a.serveLive),
		route("summary", http.MethodGet, serveSummary),
		route("sources", http.MethodGet, serveSources),
		route("explain", http.MethodPost, serveExplain),
		route("seal", http.MethodPost, serveSeal),
	}
}

// only refuses other methods than this one.
func only(method string, serve caddy.AdminHandlerFunc) caddy.AdminHandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != method && (r.Method != http.MethodHead || method != http.MethodGet) {
			w.Header().Set("Allow", method)
			return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("the method must be " + method)}
		}
		return serve(w, r)
	}
}

// answerJSON writes an answer that no cache keeps.
func answerJSON(w http.ResponseWriter, status int, value any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func badRequest(err error) error {
	return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
}

// Interface guards
var (
	_ caddy.Provisioner = (*API)(nil)
	_ caddy.AdminRouter = (*API)(nil)
)
