// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/segmentpixel/caddy-segment-pixel/internal/clientip"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

// facts gathers what a request tells besides its query. No value of a header field
// but those named here is looked at.
func (h *Handler) facts(r *http.Request) pixel.Facts {
	facts := pixel.Facts{
		Received:    time.Now(),
		UserAgent:   r.UserAgent(),
		Referer:     r.Referer(),
		TraceParent: traceParent(r),
	}
	address := clientAddress(r)
	facts.IP = h.ip.Apply(address)
	if h.fetchers != nil {
		facts.Fetch = h.fetchers.Classify(&fetcher.Request{UserAgent: facts.UserAgent, Header: r.Header.Get, Address: address})
	}
	if h.UserAgent == userAgentOff {
		facts.UserAgent = ""
	}
	switch {
	case h.honorGPC && r.Header.Get("Sec-GPC") == "1":
		facts.OptOut = pixel.GPC
	case h.honorDNT && r.Header.Get("DNT") == "1":
		facts.OptOut = pixel.DNT
	}
	return facts
}

// traceParent is the span that Caddy's tracing handler has opened for the
// request, in the form of the W3C header field.
func traceParent(r *http.Request) string {
	span := trace.SpanContextFromContext(r.Context())
	if !span.IsValid() {
		return ""
	}
	return "00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-" + span.TraceFlags().String()
}

// clientAddress is the address to which Caddy's trusted_proxies lead.
func clientAddress(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return clientip.Parse(text)
}
