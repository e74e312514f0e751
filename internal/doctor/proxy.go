// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

const trustProxies = "if there is a proxy or a CDN in front, write servers { trusted_proxies static <its addresses> } into the global options"

// checkClientIP says whose address the published one is. Whether a proxy hides that of
// the client is for the handler that runs to say: anybody can claim to be a proxy now
// and then.
func (d *Doctor) checkClientIP(h offline.Handler) report.Check {
	check := report.Check{Name: "client IP", Mark: report.OK}
	if h.Options().ClientIP == handlers.ClientIPOff {
		check.Found = "client_ip is off: none is published"
		return check
	}
	if problem := d.proxyProblem(h); problem != "" {
		return proxyWarning(problem)
	}
	switch {
	case len(h.Server.TrustedProxies) > 0:
		check.Found = "trusted_proxies is set: the address is that of the client behind these proxies"
	case d.status == nil:
		check.Mark = report.Skipped
		check.Found = "trusted_proxies is not set: the address is that of whoever connects, which is right if there is no proxy in front"
		check.Remedy = trustProxies
	case d.status.UntrustedProxy > 0:
		check.Found = fmt.Sprintf("trusted_proxies is not set, and %s claimed to come through a proxy: too few for one in front of Caddy",
			terminal.Plural(int(d.status.UntrustedProxy), "request"))
	default:
		check.Found = "trusted_proxies is not set, and no request has come through a proxy"
	}
	return check
}

// proxyProblem is what the handler that runs with this configuration says of a proxy.
func (d *Doctor) proxyProblem(h offline.Handler) string {
	if d.status == nil {
		return ""
	}
	for _, running := range d.status.Handlers {
		if !slices.Equal(running.PathPrefixes, h.Options().PathPrefixes) || !slices.Equal(running.Sources, h.Keys().Names()) {
			continue
		}
		if i := slices.IndexFunc(running.Problems, blamesProxy); i >= 0 {
			return running.Problems[i]
		}
	}
	return ""
}

// blamesProxy finds the problem of a handler that is about a proxy.
func blamesProxy(problem string) bool {
	return strings.Contains(problem, "proxy that trusted_proxies does not name")
}

// proxyWarning passes such a problem on. Events do arrive, with the wrong address.
func proxyWarning(problem string) report.Check {
	if rest, isHandler := strings.CutPrefix(problem, "handler "); isHandler {
		_, problem, _ = strings.Cut(rest, ": ")
	}
	found, remedy, split := strings.Cut(problem, ": ")
	if !split {
		remedy = trustProxies
	}
	return report.Check{Name: "client IP", Mark: report.Warning, Found: found, Remedy: remedy}
}
