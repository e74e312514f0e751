// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// checkWay looks at how a request comes to the handler: by the routes of its site and, if
// Caddy runs, by a request that is no event.
func (d *Doctor) checkWay(index int, h offline.Handler) []report.Check {
	const name = "way in"
	if found, remedy := h.Unreachable(); found != "" {
		return []report.Check{{Name: name, Mark: report.Problem, Found: found, Remedy: remedy}}
	}
	addresses := d.addresses(index, h)
	if len(addresses) == 0 {
		return []report.Check{{Name: name, Mark: report.OK, Found: "pixels are taken at " + strings.Join(h.PublicPaths(), ", ") + " of any host"}}
	}
	if d.status == nil {
		return []report.Check{{Name: name, Mark: report.Skipped, Found: "pixels are to be taken at " + strings.Join(addresses, ", ") + ", which was not tried, since Caddy does not run"}}
	}
	var checks []report.Check
	for _, address := range addresses {
		checks = append(checks, d.probe(name, address, h.Listens()))
	}
	return checks
}

// addresses are those that the Caddy that runs has found or, if the configuration names no
// host, those of this machine.
func (d *Doctor) addresses(index int, h offline.Handler) []string {
	if d.status != nil && index < len(d.status.Handlers) {
		known := d.status.Handlers[index]
		if slices.Equal(known.PathPrefixes, h.Options().PathPrefixes) && len(known.Addresses) > 0 {
			return known.Addresses
		}
	}
	var all []string
	for _, listen := range h.Listens() {
		for _, path := range h.PublicPaths() {
			if h.Server.IsPlain() && len(h.Hosts()) == 0 {
				all = append(all, "http://"+listen+path)
			}
		}
	}
	return all
}

// probe asks for the head of a pixel, which is no event, from the Caddy on this machine.
func (d *Doctor) probe(name, address string, listens []string) report.Check {
	target, err := url.Parse(address + "/page")
	if err != nil {
		return report.Check{Name: name, Mark: report.Skipped, Found: address + " is no address"}
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, target.String(), http.NoBody)
	if err != nil {
		return report.Check{Name: name, Mark: report.Skipped, Found: address + " cannot be asked: " + err.Error()}
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		// It is about the route, and not about who has issued the certificate.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // nothing secret is sent
		DialContext: func(ctx context.Context, network, dialled string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, onThisMachine(dialled, listens))
		},
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return report.Check{Name: name, Mark: report.Skipped, Found: fmt.Sprintf("%s does not answer from this machine: %v", address, err),
			Remedy: "try it from where the clients are: curl -I " + address + "/page"}
	}
	_ = response.Body.Close()
	if response.Header.Get("Content-Type") == "image/gif" && response.ContentLength == int64(len(pixel.GIF)) {
		return report.Check{Name: name, Mark: report.OK, Found: address + "/... answers as a pixel does"}
	}
	return report.Check{
		Name: name, Mark: report.Problem,
		Found:  fmt.Sprintf("%s/page is answered by something else of the site: status %d, %s", address, response.StatusCode, strconv.Quote(response.Header.Get("Content-Type"))),
		Remedy: "see what comes first: a matcher, a redir, a handle, or another site with this host; caddy adapt shows the order of routes",
	}
}

// onThisMachine is where the server listens that has the port of an address.
func onThisMachine(dialled string, listens []string) string {
	_, port, _ := net.SplitHostPort(dialled)
	for _, listen := range listens {
		if _, own, _ := net.SplitHostPort(listen); own == port {
			return listen
		}
	}
	return net.JoinHostPort("127.0.0.1", port)
}
