// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func (d *Doctor) checkKeys(h offline.Handler) report.Check {
	const name = "write keys"
	if unset := strings.Join(h.Unset, ", "); unset != "" {
		if d.runs(h, "") {
			return report.Check{Name: name, Mark: report.OK, Found: "some come from " + unset + ", which is not set here, but the Caddy that runs has taken its configuration"}
		}
		return report.Check{Name: name, Mark: report.Problem, Found: "some come from " + unset + ", which is not set here", Remedy: offline.AsService}
	}
	for _, m := range h.Missing {
		if m.Option == offline.KeyFiles {
			return d.missing(h, "", name, m.Err)
		}
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

// checkMissing tells of what besides write keys and sinks cannot be had here.
func (d *Doctor) checkMissing(h offline.Handler) []report.Check {
	var checks []report.Check
	for _, m := range h.Missing {
		if m.Sink == offline.NotSink && m.Option != offline.KeyFiles {
			checks = append(checks, d.missing(h, "", m.Option, m.Err))
		}
	}
	return checks
}

// missing tells of what cannot be had here. The Caddy that runs may have it.
func (d *Doctor) missing(h offline.Handler, sink, what string, err error) report.Check {
	if d.runs(h, sink) {
		return report.Check{
			Name: what, Mark: report.Warning, Remedy: offline.AsService,
			Found: fmt.Sprintf("this cannot be looked at from here (%v), but the Caddy that runs has one like it", err),
		}
	}
	return report.Check{
		Name: what, Mark: report.Problem, Found: err.Error(),
		Remedy: "correct it, or if only the service has it, " + offline.AsService,
	}
}

// runs tells whether the Caddy that runs has such a handler, with such a sink if one is
// named. Whether it is this one, nobody can tell.
func (d *Doctor) runs(h offline.Handler, sink string) bool {
	return d.status != nil && slices.ContainsFunc(d.status.Handlers, func(running status.Handler) bool {
		return slices.Equal(running.PathPrefixes, h.Options().PathPrefixes) &&
			(sink == "" || slices.ContainsFunc(running.Sinks, func(s status.Sink) bool { return s.Sink == sink }))
	})
}

// checkRequestSize compares the largest event with the largest head of a request that
// Caddy takes.
func checkRequestSize(h offline.Handler) report.Check {
	const name = "request size"
	size, limit := h.Options().MaxEventSize, h.Server.MaxHeaderBytes
	shown, fits := humanize.IBytes(uint64(limit)), humanize.IBytes(uint64(handlers.Base64Fits(limit)))
	if !handlers.PromisesMore(size, limit) {
		return report.Check{Name: name, Mark: report.OK, Found: fmt.Sprintf(
			"requests of %s are taken, in which events of %s fit as base64", shown, fits)}
	}
	return report.Check{
		Name: name, Mark: report.Warning,
		Found: fmt.Sprintf("Caddy takes requests of at most %s without their body, in which events of about %s fit: "+
			"those between that and max_event_size (%s) are refused with status 431 and counted nowhere",
			shown, fits, humanize.IBytes(uint64(size))),
		Remedy: handlers.SizeRemedy(size),
	}
}
