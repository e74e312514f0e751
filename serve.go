// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// ServeHTTP answers a pixel, whatever is wrong with it, or passes the request on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	typ, under := h.prefixes.route(r.URL.Path)
	if !under {
		if h.isTrackingAPI(r) {
			return h.serveTrackingAPI(w, r, next)
		}
		return next.ServeHTTP(w, r)
	}
	if r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return answer(w, r)
	}
	o := &watch.Outcome{Type: typ, Request: r}
	h.collect(o)
	err := answer(w, r)
	h.observe(o)
	return err
}

// collect takes the event of a request as far as it goes. A panic ends here: the
// pixel is answered all the same.
func (h *Handler) collect(o *watch.Outcome) {
	defer h.recovered(o)
	r := o.Request
	facts := h.facts(r)
	o.Received, o.Fetch = facts.Received, facts.Fetch
	o.UntrustedProxy = h.proxies.Note(r, h.logger)
	// A client that hangs up takes back its picture, not its event.
	ctx := context.WithoutCancel(r.Context())
	unread := h.suppression.unknown()
	event, rejection := h.decode(r, o.Type, &facts)
	o.Decoding = time.Since(o.Received)
	switch {
	case rejection != nil:
		if unread {
			rejection.Hide()
		}
		if !rejection.Hidden {
			o.UserAgent, o.Referer = facts.UserAgent, facts.Referer
		}
		o.RejectedFor(rejection)
		o.SetPlaceholders()
		h.reject(ctx, rejection)
	case unread:
		h.dropUnread(o, event)
	default:
		o.UserAgent, o.Referer = facts.UserAgent, facts.Referer
		o.Became(event)
		o.SetPlaceholders()
		h.publish(ctx, o)
	}
}

func (h *Handler) decode(r *http.Request, typ pixel.Type, facts *pixel.Facts) (*pixel.Event, *pixel.Rejection) {
	var rejection *pixel.Rejection
	switch {
	case r.Method != http.MethodGet:
		rejection = pixel.Reject(pixel.Method, "the method is not GET", typ, r.URL.RawQuery, facts)
	case typ == pixel.NoType:
		rejection = pixel.Reject(pixel.UnknownRoute, "the path names no event type", typ, r.URL.RawQuery, facts)
	default:
		return h.decoder.Decode(typ, r.URL.RawQuery, facts)
	}
	if h.suppression != nil { // Nobody has looked whose it is.
		rejection.Hide()
	}
	return nil, rejection
}

// observe tells the observers what became of a request, and gives the memory of its
// event back. The answer has been written by then, but waits for the end of the
// handler to be sent.
func (h *Handler) observe(o *watch.Outcome) {
	defer func() {
		if v := recover(); v != nil {
			h.logger.Error("panic while counting a request, which was answered; please report this", panicFields(v)...)
		}
	}()
	o.Took = time.Since(o.Received)
	watch.Tell(o)
	event := o.Event
	o.Event = nil
	if event != nil && o.Result != watch.Failed { // Who knows who holds it after a panic?
		event.Release()
	}
}
