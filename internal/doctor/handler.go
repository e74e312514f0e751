// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func (d *Doctor) checkKeys(h offline.Handler) report.Check {
	const name = "write keys"
	if unset := strings.Join(h.Unset, ", "); unset != "" {
		if d.status != nil {
			return report.Check{Name: name, Mark: report.OK, Found: "some come from " + unset + ", which is not set here, but the Caddy that runs has taken its configuration"}
		}
		return report.Check{Name: name, Mark: report.Problem, Found: "some come from " + unset + ", which is not set here", Remedy: offline.AsService}
	}
	if err := h.Keys().Load(); err != nil {
		return report.Check{
			Name: name, Mark: report.Problem, Found: err.Error(),
			Remedy: "correct the file, or run this as the user of the service if that is who may read it",
		}
	}
	keys := h.Keys()
	if keys.Count() == 0 {
		return report.Check{
			Name: name, Mark: report.Problem, Found: "the files hold no write key: every request is rejected",
			Remedy: "write a key and its source on a line of one of them",
		}
	}
	return report.Check{Name: name, Mark: report.OK, Found: fmt.Sprintf("%d, for %s", keys.Count(), strings.Join(keys.Names(), ", "))}
}

// otherHeaders is what a browser sends besides the URL, or a little more. Cookies of
// the site come on top of it.
const otherHeaders = 1536

// checkRequestSize compares the largest event with the largest head of a request that
// Caddy takes. In a URL, three bytes take four.
func checkRequestSize(h offline.Handler) report.Check {
	const name = "request size"
	options := h.Options()
	line := len(options.PathPrefixes[0]) + len("GET /identify?data= HTTP/1.1")
	fits := max(h.Server.MaxHeaderBytes-otherHeaders-line, 0) / 4 * 3
	limit := humanize.IBytes(uint64(h.Server.MaxHeaderBytes))
	if fits >= options.MaxEventSize {
		return report.Check{Name: name, Mark: report.OK, Found: fmt.Sprintf(
			"a request of %s fits the %s of max_event_size", limit, humanize.IBytes(uint64(options.MaxEventSize)))}
	}
	needed := (options.MaxEventSize+2)/3*4 + otherHeaders + line
	return report.Check{
		Name: name, Mark: report.Warning,
		Found: fmt.Sprintf("Caddy takes requests of at most %s without their body, in which events of about %s fit: "+
			"those between that and max_event_size (%s) are refused with status 431 and counted nowhere",
			limit, humanize.IBytes(uint64(fits)), humanize.IBytes(uint64(options.MaxEventSize))),
		Remedy: fmt.Sprintf("if events are that large, write servers { max_header_size %dKiB } into the global options; "+
			"otherwise let max_event_size say what is taken", (needed+1023)/1024),
	}
}
