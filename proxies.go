// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// suspectProxies is from how many requests through an untrusted proxy on the log
// says so: a few come through proxies on the side of the client.
const suspectProxies = 10

// proxyWatch finds out whether a proxy in front of this server hides the clients'
// addresses, because trusted_proxies does not name it.
type proxyWatch struct {
	requests  atomic.Uint64
	untrusted atomic.Uint64
	reported  atomic.Bool
}

// note tells whether a request came through an untrusted proxy.
func (p *proxyWatch) note(r *http.Request, logger *zap.Logger) bool {
	requests := p.requests.Add(1)
	if _, proxied := r.Header["X-Forwarded-For"]; !proxied {
		return false
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		return false
	}
	untrusted := p.untrusted.Add(1)
	if untrusted >= suspectProxies && 2*untrusted >= requests && !p.reported.Swap(true) {
		logger.Warn("most requests come through a proxy that trusted_proxies does not name: " +
			"context.ip is the address of the proxy; name it in the global option servers { trusted_proxies static <ranges> }")
	}
	return true
}

// suspected tells whether most of the requests so far came through an untrusted proxy.
func (p *proxyWatch) suspected() bool {
	untrusted := p.untrusted.Load()
	return untrusted > 0 && 2*untrusted >= p.requests.Load()
}
