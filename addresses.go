// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// findAddresses tells each handler where pixels may be sent to, as far as the
// configuration names hosts. What a request says of its host is no answer to that:
// anybody may send one.
func findAddresses(app *caddyhttp.App) {
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		server := app.Servers[name]
		for _, listen := range server.Listen {
			address, err := caddy.ParseNetworkAddress(listen)
			if err != nil || address.StartPort == 0 {
				continue
			}
			s := served{scheme: "http", port: address.StartPort, maxHeader: server.MaxHeaderBytes}
			if len(server.TLSConnPolicies) > 0 {
				s.scheme = "https"
			}
			if address.Host != "" && !net.ParseIP(address.Host).IsUnspecified() {
				s.hosts = []string{address.Host}
			}
			s.walk(server.Routes)
		}
	}
}

// served is what is known of those who reach a route.
type served struct {
	scheme    string
	port      uint
	hosts     []string
	stripped  string // from the path, by handle_path and the like
	maxHeader int
}

func (s served) walk(routes caddyhttp.RouteList) {
	for i := range routes {
		within := s
		if hosts := hostsOf(routes[i].MatcherSets); len(hosts) > 0 {
			within.hosts = hosts
		}
		for _, handler := range routes[i].Handlers {
			switch handler := handler.(type) {
			case *rewrite.Rewrite:
				stripped := strings.TrimSuffix(handler.StripPathPrefix, "/")
				within.stripped += stripped
				if len(routes[i].MatcherSets) == 0 { // The routes that follow have it as well.
					s.stripped += stripped
				}
			case *caddyhttp.Subroute:
				within.walk(handler.Routes)
			case *Handler:
				handler.maxHeader = s.maxHeader
				handler.addresses = append(handler.addresses, within.addresses(handler.PathPrefixes)...)
			}
		}
	}
}

// hostsOf returns the hosts of matchers, but for those that stand for many.
func hostsOf(sets caddyhttp.MatcherSets) []string {
	var hosts []string
	for _, set := range sets {
		for _, matcher := range set {
			if match, ok := matcher.(*caddyhttp.MatchHost); ok {
				for _, host := range *match {
					if !strings.ContainsAny(host, "*{") {
						hosts = append(hosts, host)
					}
				}
			}
		}
	}
	return hosts
}

func (s served) addresses(prefixes []string) []string {
	var all []string
	for _, host := range s.hosts {
		switch standard := map[string]uint{"http": 80, "https": 443}[s.scheme]; {
		case s.port != standard:
			host = net.JoinHostPort(host, strconv.FormatUint(uint64(s.port), 10))
		case strings.Contains(host, ":"):
			host = "[" + host + "]"
		}
		for _, prefix := range prefixes {
			all = append(all, s.scheme+"://"+host+strings.TrimSuffix(s.stripped+prefix, "/"))
		}
	}
	return all
}

// place says which of several handlers it is.
func (h *Handler) place() string {
	if len(h.addresses) > 0 {
		return h.addresses[0]
	}
	return h.PathPrefixes[0] + " of any host"
}
