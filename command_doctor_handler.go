// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

func checkKeys(h configuredHandler) sinks.Check {
	const name = "write keys"
	if err := h.keys.load(); err != nil {
		return sinks.Check{
			Name: name, Mark: sinks.Problem, Found: err.Error(),
			Remedy: "correct the file, or run this as the user of the service if that is who may read it",
		}
	}
	keys := *h.keys.sources.Load()
	if len(keys) == 0 {
		return sinks.Check{
			Name: name, Mark: sinks.Problem, Found: "the files hold no write key: every request is rejected",
			Remedy: "write a key and its source on a line of one of them",
		}
	}
	var names []string
	for _, source := range keys {
		if !slices.Contains(names, source) {
			names = append(names, source)
		}
	}
	slices.Sort(names)
	return sinks.Check{Name: name, Mark: sinks.OK, Found: fmt.Sprintf("%d, for %s", len(keys), strings.Join(names, ", "))}
}

// otherHeaders is what a browser sends besides the URL, or a little more. Cookies of
// the site come on top of it.
const otherHeaders = 1536

// checkRequestSize compares the largest event with the largest head of a request that
// Caddy takes. In a URL, three bytes take four.
func checkRequestSize(h configuredHandler) sinks.Check {
	const name = "request size"
	line := len(h.PathPrefixes[0]) + len("GET /identify?data= HTTP/1.1")
	fits := max(h.server.MaxHeaderBytes-otherHeaders-line, 0) / 4 * 3
	limit := humanize.IBytes(uint64(h.server.MaxHeaderBytes))
	if fits >= h.MaxEventSize {
		return sinks.Check{Name: name, Mark: sinks.OK, Found: fmt.Sprintf(
			"a request of %s fits the %s of max_event_size", limit, humanize.IBytes(uint64(h.MaxEventSize)))}
	}
	needed := (h.MaxEventSize+2)/3*4 + otherHeaders + line
	return sinks.Check{
		Name: name, Mark: sinks.Warning,
		Found: fmt.Sprintf("Caddy takes requests of at most %s without their body, in which events of about %s fit: "+
			"those between that and max_event_size (%s) are refused with status 431 and counted nowhere",
			limit, humanize.IBytes(uint64(fits)), humanize.IBytes(uint64(h.MaxEventSize))),
		Remedy: fmt.Sprintf("if events are that large, write servers { max_header_size %dKiB } into the global options; "+
			"otherwise let max_event_size say what is taken", (needed+1023)/1024),
	}
}

// checkClientIP says whose address the published one is.
func (d *doctor) checkClientIP(h configuredHandler) sinks.Check {
	check := sinks.Check{Name: "client IP", Mark: sinks.OK}
	switch {
	case h.ClientIP == clientIPOff:
		check.Found = "client_ip is off: none is published"
	case len(h.server.TrustedProxies) > 0:
		check.Found = "trusted_proxies is set: the address is that of the client behind these proxies"
	case d.status == nil:
		check.Mark = sinks.Skipped
		check.Found = "trusted_proxies is not set: the address is that of whoever connects, which is right if there is no proxy in front"
		check.Remedy = trustProxies
	case d.status.UntrustedProxy > 0:
		check.Mark = sinks.Problem
		check.Found = fmt.Sprintf("trusted_proxies is not set, and %d requests have come through a proxy: "+
			"what is published is the address of the proxy", d.status.UntrustedProxy)
		check.Remedy = trustProxies
		d.proxied = true
	default:
		check.Found = "trusted_proxies is not set, and no request has come through a proxy"
	}
	return check
}

const trustProxies = "if there is a proxy or a CDN in front, write servers { trusted_proxies static <its addresses> } into the global options"

// runningStatus is what matters here of the status of a Caddy that runs.
type runningStatus struct {
	RunningSince   string   `json:"running_since"`
	Ready          bool     `json:"ready"`
	Problems       []string `json:"problems"`
	UntrustedProxy uint64   `json:"untrusted_proxy"`
	Outcomes       struct {
		Accepted uint64            `json:"accepted"`
		Dropped  uint64            `json:"dropped"`
		Failed   uint64            `json:"failed"`
		Rejected map[string]uint64 `json:"rejected"`
	} `json:"outcomes"`
}

// askCaddy gets the status of the Caddy that runs, if there is one.
func (d *doctor) askCaddy() {
	if d.address == "" {
		d.trouble = errAdminOff
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	text, err := askAdmin(ctx, d.address, "/segment_pixel/status")
	if err != nil {
		d.trouble = err
		return
	}
	status := new(runningStatus)
	if d.trouble = json.Unmarshal(text, status); d.trouble == nil {
		d.status = status
	}
}

// running says what the Caddy that runs has seen.
func (d *doctor) running() {
	const name = "status"
	about := "Caddy at " + d.address
	if d.status == nil {
		if d.address == "" {
			about = "Caddy that runs"
		}
		d.add(about, sinks.Check{
			Name: name, Mark: sinks.Skipped, Found: "it does not tell what it has seen: " + strings.Join(strings.Fields(d.trouble.Error()), " "),
			Remedy: "start Caddy, or name its admin API with --address",
		})
		return
	}
	var checks []sinks.Check
	for _, problem := range d.status.Problems {
		checks = append(checks, sinks.Check{
			Name: name, Mark: sinks.Problem, Found: problem, Remedy: "see the checks above, and the log of Caddy",
		})
	}
	if d.status.UntrustedProxy > 0 && !d.proxied {
		checks = append(checks, sinks.Check{
			Name: "client IP", Mark: sinks.Problem, Remedy: trustProxies,
			Found: fmt.Sprintf("%d requests have come through a proxy that trusted_proxies does not name: "+
				"the published address is that of the proxy", d.status.UntrustedProxy),
		})
	}
	checks = append(checks, d.outcomes())
	d.add(about, checks...)
}

func (d *doctor) outcomes() sinks.Check {
	o := d.status.Outcomes
	rejected := uint64(0)
	for _, n := range o.Rejected {
		rejected += n
	}
	check := sinks.Check{Name: "events", Mark: sinks.OK, Found: fmt.Sprintf(
		"%d accepted, %d rejected, %d dropped, %d failed", o.Accepted, rejected, o.Dropped, o.Failed)}
	if d.status.RunningSince != "" {
		check.Found += ", since " + d.status.RunningSince
	}
	if o.Dropped+o.Failed > 0 {
		check.Mark = sinks.Warning
		check.Remedy = "see caddy_segment_pixel_sink_dropped_total for the cause; what failed is our own fault, please report it with the log"
	}
	return check
}
