// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

const trustProxies = "if there is a proxy or a CDN in front, write servers { trusted_proxies static <its addresses> } into the global options"

// checkClientIP says whose address the published one is. Whether a proxy hides that of
// the client is for the handler that runs to say: anybody can claim to be a proxy now
// and then.
func (d *Doctor) checkClientIP(h offline.Handler) report.Check {
	check := report.Check{Name: watch.ClientIP, Mark: report.OK}
	if h.Options().ClientIP == handlers.ClientIPOff {
		check.Found = "client_ip is off: none is published"
		return check
	}
	if problem := d.proxyProblem(h); problem != nil {
		return *problem
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
func (d *Doctor) proxyProblem(h offline.Handler) *report.Check {
	if d.status == nil {
		return nil
	}
	for i, running := range d.status.Handlers {
		if !slices.Equal(running.PathPrefixes, h.Options().PathPrefixes) || !slices.Equal(running.Sources, h.Keys().Names()) {
			continue
		}
		for _, problem := range d.status.Checks {
			if problem.Name == watch.ClientIP && problem.About == fmt.Sprintf("handler %d", i+1) {
				return &problem.Check
			}
		}
	}
	return nil
}
