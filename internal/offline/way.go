// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"encoding/json"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// way is how a request comes to a handler: what is stripped from its path, and what the
// path has to match.
type way struct {
	stripped string // by handle_path and the like, from the front
	matchers []pathMatcher
}

// pathMatcher is one path matcher of a route, behind what was stripped by then.
type pathMatcher struct {
	stripped string
	patterns []string
}

// into is the way behind a route's matchers.
func (w way) into(match any) way {
	var patterns []string
	sets, _ := match.([]any)
	for _, set := range sets {
		matchers, _ := set.(map[string]any)
		list, named := matchers["path"].([]any)
		if !named {
			return w // one of the sets takes any path
		}
		for _, pattern := range list {
			if text, ok := pattern.(string); ok {
				patterns = append(patterns, text)
			}
		}
	}
	if len(patterns) > 0 {
		w.matchers = append(slices.Clip(w.matchers), pathMatcher{w.stripped, patterns})
	}
	return w
}

// behind is the way behind a handler of a route, or behind a route that takes every request,
// if that strips something.
func (w way) behind(element json.RawMessage) way {
	type rewrite struct {
		Handler string `json:"handler"`
		Strip   string `json:"strip_path_prefix"`
	}
	var either struct {
		rewrite
		Match  []json.RawMessage `json:"match"`
		Handle []rewrite         `json:"handle"`
	}
	if json.Unmarshal(element, &either) != nil || len(either.Match) > 0 {
		return w
	}
	for _, r := range append(either.Handle, either.rewrite) {
		if r.Handler == "rewrite" {
			w.stripped += strings.TrimSuffix(r.Strip, "/")
		}
	}
	return w
}

// matches tells whether a path comes through. It knows what Caddy's path matcher does, but
// for placeholders and escapes, of which it says yes.
func (w way) matches(public string) bool {
	for _, matcher := range w.matchers {
		rest, found := strings.CutPrefix(public, matcher.stripped)
		if !found {
			return false
		}
		one := false
		for _, pattern := range matcher.patterns {
			one = one || matchesPath(strings.ToLower(pattern), strings.ToLower(rest))
		}
		if !one {
			return false
		}
	}
	return true
}

func matchesPath(pattern, text string) bool {
	inner := strings.Trim(pattern, "*")
	switch {
	case strings.ContainsAny(pattern, "{%"):
		return true
	case strings.HasPrefix(pattern, "*") && strings.HasSuffix(pattern, "*") && !strings.Contains(inner, "*"):
		return strings.Contains(text, inner)
	case strings.HasSuffix(pattern, "*") && !strings.Contains(inner, "*"):
		return strings.HasPrefix(text, inner)
	case strings.HasPrefix(pattern, "*") && !strings.Contains(inner, "*"):
		return strings.HasSuffix(text, inner)
	}
	matched, err := path.Match(pattern, text)
	return err != nil || matched
}

// PublicPaths are the paths under which clients find the event types, as far as the routes
// tell.
func (h *Handler) PublicPaths() []string {
	var paths []string
	for _, prefix := range h.Options().PathPrefixes {
		paths = append(paths, h.way.stripped+strings.TrimSuffix(prefix, "/"))
	}
	return paths
}

// Unreachable says why no client finds the handler where it looks for it; empty if that
// is not known.
func (h *Handler) Unreachable() (found, remedy string) {
	for i, public := range h.PublicPaths() {
		prefix := strings.TrimSuffix(h.Options().PathPrefixes[i], "/")
		switch {
		case prefix != "" && strings.HasSuffix(h.way.stripped, prefix):
			return fmt.Sprintf("%s is stripped before the handler, so that pixels are taken at %s/track alone, and %s/track is an unknown route of the site", h.way.stripped, public, prefix),
				"write path_prefix / into the block of segment_pixel, as handle_path needs it"
		case !h.way.matches(public + "/track"):
			return fmt.Sprintf("no request for %s/track gets through the matchers of its routes", public),
				"write " + public + "/* as the matcher, or none: the handler passes on what is no pixel"
		}
	}
	return "", ""
}

// Listens are the addresses at which its server is reached from this machine.
func (h *Handler) Listens() []string {
	var list []string
	for _, listen := range h.Server.Listen {
		address, err := caddy.ParseNetworkAddress(listen)
		if err != nil || address.IsUnixNetwork() || address.StartPort == 0 {
			continue
		}
		host := address.Host
		if host == "" || host == "0.0.0.0" || host == "::" {
			host = "127.0.0.1"
		}
		list = append(list, caddy.JoinNetworkAddress("", host, fmt.Sprint(address.StartPort)))
	}
	return list
}

// Bases are the addresses of its site, such as https://example.com, as far as the
// configuration names hosts.
func (h *Handler) Bases() []string {
	var bases []string
	for _, listen := range h.Listens() {
		_, port, err := net.SplitHostPort(listen)
		if err != nil {
			continue
		}
		for _, host := range h.hosts {
			if strings.ContainsAny(host, "*{") {
				continue
			}
			scheme := "https"
			if port == "80" || h.Server.IsPlain() && (h.Server.Automatic.Disable || slices.Contains(h.Server.Automatic.Skip, host)) {
				scheme = "http"
			}
			if port != "80" && port != "443" {
				host = net.JoinHostPort(host, port)
			}
			bases = append(bases, scheme+"://"+host)
		}
	}
	return bases
}
