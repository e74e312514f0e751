// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// configuredHandler is a handler of a configuration that does not run, and what
// stands around it there.
type configuredHandler struct {
	handlerView
	raw    json.RawMessage // its own configuration, without its module name
	server httpServer
	hosts  []string // those of its site; none means any
}

// httpServer is what matters to a handler of the HTTP server around it.
type httpServer struct {
	Name           string          `json:"-"`
	MaxHeaderBytes int             `json:"max_header_bytes"`
	TrustedProxies json.RawMessage `json:"trusted_proxies"`
}

// defaultMaxHeaderBytes is Caddy's own default.
const defaultMaxHeaderBytes = 16 << 10

// describe says which of the handlers it is.
func (h *configuredHandler) describe(index int) string {
	place := "server " + h.server.Name
	if len(h.hosts) > 0 {
		place = strings.Join(h.hosts, ", ")
	}
	return fmt.Sprintf("handler %d (%s, %s)", index+1, place, strings.Join(h.Options().PathPrefixes, " "))
}

// sinkIdentity returns the name of a sink, and a text that is the same for sinks that
// are configured alike.
func (h *configuredHandler) sinkIdentity(n int) (name, key string) {
	name = "log"
	if module, ok := h.Sinks()[n].Sink.(caddy.Module); ok {
		name = module.CaddyModule().ID.Name()
	}
	var parsed struct {
		Sinks []json.RawMessage `json:"sinks"`
	}
	if err := json.Unmarshal(h.raw, &parsed); err == nil && n < len(parsed.Sinks) {
		key = string(parsed.Sinks[n])
	}
	return name, name + " " + key
}

// handlersOf are those of the site with that host; if it has none, or is reached by
// another name, all of them.
func handlersOf(handlers []configuredHandler, host string) []configuredHandler {
	var found []configuredHandler
	for _, h := range handlers {
		if slices.ContainsFunc(h.hosts, func(pattern string) bool { return matchesHost(pattern, host) }) {
			found = append(found, h)
		}
	}
	if len(found) == 0 {
		return handlers
	}
	return found
}

// matchesHost knows of the wildcard that a host in Caddy may begin with.
func matchesHost(pattern, host string) bool {
	if rest, found := strings.CutPrefix(pattern, "*."); found {
		_, domain, _ := strings.Cut(host, ".")
		return strings.EqualFold(rest, domain)
	}
	return strings.EqualFold(pattern, host)
}
