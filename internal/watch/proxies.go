// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// suspectProxies is from how many requests through an untrusted proxy on anything is
// said of them.
const suspectProxies = 10

// ProxyWatch finds out whether a proxy in front of this server hides the clients'
// addresses, because trusted_proxies does not name it.
type ProxyWatch struct {
	requests  atomic.Uint64
	untrusted atomic.Uint64
	reported  atomic.Bool
}

// Note tells whether a request came through an untrusted proxy.
func (p *ProxyWatch) Note(r *http.Request, logger *zap.Logger) bool {
	requests := p.requests.Add(1)
	if _, proxied := r.Header["X-Forwarded-For"]; !proxied {
		return false
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		return false
	}
	untrusted := p.untrusted.Add(1)
	if suspicious(untrusted, requests) && !p.reported.Swap(true) {
		logger.Warn("most requests come through a proxy that trusted_proxies does not name: " + ProxyRemedy)
	}
	return true
}

// suspicious tells whether most requests came through an untrusted proxy. A few come
// through proxies on the side of the client, or pretend to.
func suspicious(untrusted, requests uint64) bool {
	return untrusted >= suspectProxies && 2*untrusted >= requests
}

// Problem says that the published addresses are those of a proxy; empty if they are
// not, as far as can be told.
func (p *ProxyWatch) Problem() string {
	untrusted, requests := p.untrusted.Load(), p.requests.Load()
	if !suspicious(untrusted, requests) {
		return ""
	}
	return fmt.Sprintf("%d of %d requests came through a proxy that trusted_proxies does not name", untrusted, requests)
}

// ClientIP is the name of the check of the published addresses.
const ClientIP = "client IP"

// ProxyRemedy says what to do if they are those of a proxy.
const ProxyRemedy = "context.ip is the address of the proxy; name it in the global option servers { trusted_proxies static <ranges> }"
