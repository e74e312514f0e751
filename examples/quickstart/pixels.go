// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"

	segmentpixel "github.com/segmentpixel/caddy-segment-pixel"
)

// pixelURLs returns a URL to try for every segment_pixel handler of the app
// that has a write key in its configuration.
func pixelURLs(app *caddyhttp.App) []string {
	var urls []string
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		at := place{server: listenerOf(srv.Listen)}
		at.server.tls = at.server.servesTLS(len(srv.TLSConnPolicies) > 0, app.HTTPPort, app.HTTPSPort)
		walk(srv.Routes, at, func(at place, h *segmentpixel.Handler) {
			if len(h.WriteKeys) == 0 {
				return
			}
			key := caddy.NewReplacer().ReplaceAll(h.WriteKeys[0].Key, "")
			url := pixelURL(at.server.origin(at.host), at.stripped+firstPrefix(h.PathPrefixes), key)
			if !slices.Contains(urls, url) {
				urls = append(urls, url)
			}
		})
	}
	return urls
}

// place is where a handler stands: its server and what the routes around it
// demand of a request.
type place struct {
	server   listener
	host     string // empty if the routes match any
	stripped string // the path prefix that handle_path has taken off
}

// walk calls visit for every segment_pixel handler in routes, nested ones
// included.
func walk(routes caddyhttp.RouteList, at place, visit func(place, *segmentpixel.Handler)) {
	for _, route := range routes {
		here := at
		if host := hostOf(route.MatcherSets); host != "" {
			here.host = host
		}
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *segmentpixel.Handler:
				visit(here, h)
			case *caddyhttp.Subroute:
				walk(h.Routes, here, visit)
			case *rewrite.Rewrite:
				// handle_path is a route with this handler before the routes
				// of the block.
				at.stripped += h.StripPathPrefix
				here.stripped = at.stripped
			}
		}
	}
}

// hostOf returns the first host that the matchers accept and that can stand in
// a URL, or nothing.
func hostOf(sets caddyhttp.MatcherSets) string {
	for _, set := range sets {
		for _, matcher := range set {
			hosts, ok := matcher.(*caddyhttp.MatchHost)
			if !ok {
				continue
			}
			for _, host := range *hosts {
				if !strings.ContainsAny(host, "*{") {
					return host
				}
			}
		}
	}
	return ""
}

// listener is the address of a server.
type listener struct {
	host string // empty for every interface
	port uint
	tls  bool
}

// listenerOf returns the first address that a browser can reach. Sockets of
// other kinds are passed over.
func listenerOf(addresses []string) listener {
	for _, address := range addresses {
		parsed, err := caddy.ParseNetworkAddress(address)
		if err != nil || parsed.IsUnixNetwork() || parsed.IsFdNetwork() {
			continue
		}
		return listener{host: parsed.Host, port: parsed.StartPort}
	}
	return listener{}
}

// servesTLS does as Caddy does: a server with connection policies speaks TLS
// except on the HTTP port. Port 443 is taken for TLS in any case, since it is
// often a proxy in front that speaks it. Ports of 0 are the defaults.
func (l listener) servesTLS(policies bool, httpPort, httpsPort int) bool {
	if httpPort == 0 {
		httpPort = caddyhttp.DefaultHTTPPort
	}
	if httpsPort == 0 {
		httpsPort = caddyhttp.DefaultHTTPSPort
	}
	return policies && l.port != uint(httpPort) || l.port == uint(httpsPort)
}

// origin returns the scheme, host and port to reach the server by. Without a
// host that the routes demand, it is the address or localhost.
func (l listener) origin(host string) string {
	if host == "" {
		host = l.host
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
	}
	scheme, usual := "http", uint(caddyhttp.DefaultHTTPPort)
	if l.tls {
		scheme, usual = "https", caddyhttp.DefaultHTTPSPort
	}
	if l.port != 0 && l.port != usual {
		return scheme + "://" + net.JoinHostPort(host, strconv.FormatUint(uint64(l.port), 10))
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host
}

func firstPrefix(prefixes []string) string {
	if len(prefixes) == 0 {
		return "/v1/pixel"
	}
	return strings.TrimSuffix(prefixes[0], "/")
}

// pixelURL returns the URL of a track event.
func pixelURL(origin, prefix, writeKey string) string {
	// A struct keeps the order in which Segment's documentation has the fields.
	event, err := json.Marshal(struct {
		WriteKey    string `json:"writeKey"`
		AnonymousID string `json:"anonymousId"`
		Event       string `json:"event"`
	}{writeKey, "quickstart", "Pixel Tried"})
	if err != nil {
		panic(err) // strings are always marshaled
	}
	return origin + prefix + "/track?data=" + base64.RawURLEncoding.EncodeToString(event)
}
