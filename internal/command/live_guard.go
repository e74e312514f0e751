// SPDX-License-Identifier: Apache-2.0

package command

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

// tokenName is the parameter and the cookie of the token.
const tokenName = "token"

// pageGuard keeps other sites from reaching the admin endpoint by way of a browser here:
// the host must be ours, against names that lead to this machine, and a request that
// sends anything must come from our page. With a token, it also keeps out whoever does
// not know that.
type pageGuard struct {
	remote bool   // any host is ours
	token  string // empty if there is none
	next   http.Handler
}

func (g *pageGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case !g.remote && !isOwnHost(r.Host):
		http.Error(w, "this host is not served here", http.StatusForbidden)
	case site != "" && site != "same-origin" && site != "none",
		r.Header.Get("Origin") != "" && r.Header.Get("Origin") != "http://"+r.Host,
		r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get("Origin") == "":
		http.Error(w, "only the page itself may ask this", http.StatusForbidden)
	case g.token != "" && isEqual(r.URL.Query().Get(tokenName), g.token):
		// From now on it is in a cookie, and not in the browser's history of addresses.
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Over plain HTTP, browsers drop a cookie that is secure.
			Name: tokenName, Value: g.token, Path: adminapi.Path, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		http.Redirect(w, r, adminapi.Path, http.StatusFound)
	case g.token != "" && !g.knows(r):
		http.Error(w, "the token is missing or that of another run: take the whole address that caddy segment-pixel live has printed", http.StatusForbidden)
	case r.URL.Path == "/":
		http.Redirect(w, r, adminapi.Path, http.StatusFound)
	case !strings.HasPrefix(r.URL.Path, adminapi.Path) || strings.Contains(r.URL.Path, ".."):
		http.NotFound(w, r)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// knows tells whether the request has the token. There may be cookies of other ports.
func (g *pageGuard) knows(r *http.Request) bool {
	for _, cookie := range r.CookiesNamed(tokenName) {
		if isEqual(cookie.Value, g.token) {
			return true
		}
	}
	return false
}

func isEqual(given, wanted string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(wanted)) == 1
}

// isOwnHost tells whether a host is this machine by its looks. Its port may be any, which
// a tunnel leads here.
func isOwnHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	address, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && address.IsLoopback()
}
