// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
)

// Handler is a handler of a configuration that does not run, and what
// stands around it there.
type Handler struct {
	handlers.Handler
	raw    json.RawMessage // its own configuration, without its module name
	Server httpServer
	hosts  []string // those of its site; none means any
	way    way

	// Unset are the variables of its write keys that are not set here. Pixels with those
	// keys are taken for unknown.
	Unset []string
	// Missing is what else of it cannot be had here, and so was left out.
	Missing []Missing
}

// httpServer is what matters to a handler of the HTTP server around it.
type httpServer struct {
	Name           string          `json:"-"`
	MaxHeaderBytes int             `json:"max_header_bytes"`
	TrustedProxies json.RawMessage `json:"trusted_proxies"`
	Listen         []string        `json:"listen"`
	TLSPolicies    json.RawMessage `json:"tls_connection_policies"`
	Automatic      struct {
		Disable bool     `json:"disable"`
		Skip    []string `json:"skip"`
	} `json:"automatic_https"`
}

// IsPlain tells whether a server that names no host speaks HTTP without TLS.
func (s httpServer) IsPlain() bool { return len(s.TLSPolicies) == 0 }

// Hosts are those of its site; none means any.
func (h *Handler) Hosts() []string { return h.hosts }

// Describe says which of the handlers it is.
func (h *Handler) Describe(index int) string {
	place := "server " + h.Server.Name
	if len(h.hosts) > 0 {
		place = strings.Join(h.hosts, ", ")
	}
	return fmt.Sprintf("handler %d (%s, %s)", index+1, place, strings.Join(h.Options().PathPrefixes, " "))
}

// SinkIdentity returns the name of a sink, and a text that is the same for sinks that
// are configured alike.
func (h *Handler) SinkIdentity(n int) (name, key string) {
	var parsed struct {
		Sinks []json.RawMessage `json:"sinks"`
	}
	if err := json.Unmarshal(h.raw, &parsed); err == nil && n < len(parsed.Sinks) {
		return sinkName(parsed.Sinks[n]), string(parsed.Sinks[n])
	}
	return defaultSink, defaultSink
}

// defaultSink is the sink of a handler that names none.
const defaultSink = "log"

func sinkName(raw json.RawMessage) string {
	var parsed struct {
		Sink string `json:"sink"`
	}
	_ = json.Unmarshal(raw, &parsed) // It was provisioned.
	return parsed.Sink
}

// OfSite are those of the site with that host; if it has none, or is reached by
// another name, all of them.
func OfSite(handlers []Handler, host string) []Handler {
	var found []Handler
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

// withMaxEventSize fills in the default of max_event_size, which depends on the server.
func withMaxEventSize(raw json.RawMessage, maxHeaderBytes int) json.RawMessage {
	var handler map[string]json.RawMessage
	if json.Unmarshal(raw, &handler) != nil || handler["max_event_size"] != nil {
		return raw
	}
	handler["max_event_size"] = json.RawMessage(strconv.Itoa(handlers.DefaultMaxEventSize(maxHeaderBytes)))
	changed, err := json.Marshal(handler)
	if err != nil {
		return raw
	}
	return changed
}
