// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Doctor gathers what it finds, by what it is about.
type Doctor struct {
	ctx     context.Context
	timeout time.Duration
	address string // of the Caddy that runs, empty if its admin API is off
	status  *status.Status
	trouble error // why there is no status
	found   []diagnosis
}

// diagnosis is all that was found about one thing.
type diagnosis struct {
	about  string
	checks []report.Check
}

// Examine looks at everything between the pixels of a configuration and what stores
// them. The address is that of the Caddy that runs, empty if its admin API is off;
// the timeout is that of each sink, and of Caddy.
func Examine(ctx context.Context, config *offline.Configuration, address string, timeout time.Duration) *Doctor {
	d := &Doctor{ctx: ctx, timeout: timeout, address: address}
	d.askCaddy()
	for i, h := range config.Handlers {
		d.handler(i, h)
	}
	d.sinks(config.Handlers)
	d.running()
	return d
}

func (d *Doctor) add(about string, checks ...report.Check) {
	d.found = append(d.found, diagnosis{about, checks})
}

// handler looks at what a handler needs besides its sinks.
func (d *Doctor) handler(index int, h offline.Handler) {
	checks := []report.Check{d.checkKeys(h), checkRequestSize(h), d.checkClientIP(h)}
	if file, err := h.Seals(); err != nil {
		checks = append(checks, report.Check{
			Name: "seals", Mark: report.Problem, Found: err.Error(),
			Remedy: "correct the file, make one with caddy segment-pixel key, or run this as the user of the service if that is who may read it",
		})
	} else if file != "" {
		checks = append(checks, report.Check{Name: "seals", Mark: report.OK, Found: "the keys in " + file + " are good"})
	}
	checks = append(checks, d.checkMissing(h)...)
	checks = append(checks, d.checkWay(index, h)...)
	d.add(h.Describe(index), checks...)
	if list := h.Suppress(); list != nil {
		ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
		defer cancel()
		d.add(fmt.Sprintf("withdrawn consent, handler %d", index+1), list.Examine(ctx)...)
	}
}

// sinks has each sink look at what it needs, once for all that are alike.
func (d *Doctor) sinks(handlers []offline.Handler) {
	type group struct {
		sink     sinks.Sink
		site     sinks.Site
		missing  error
		handler  offline.Handler
		name     string
		handlers []string
	}
	var groups []*group
	known := make(map[string]*group)
	var all []sinks.Sink
	for i, h := range handlers {
		size := h.Options().MaxEventSize
		for n, sink := range h.Sinks() {
			all = append(all, sink.Sink)
			name, key := h.SinkIdentity(n)
			key = fmt.Sprint(size, key)
			g := known[key]
			if g == nil {
				g = &group{sink: sink.Sink, site: sinks.Site{MaxEventSize: size}, missing: h.MissingSink(n), handler: h, name: name}
				known[key] = g
				groups = append(groups, g)
			}
			if number := fmt.Sprint(i + 1); !slices.Contains(g.handlers, number) {
				g.handlers = append(g.handlers, number)
			}
		}
	}
	for _, g := range groups {
		word := "handler "
		if len(g.handlers) > 1 {
			word = "handlers "
		}
		about := fmt.Sprintf("sink %s of %s", g.name, word+strings.Join(g.handlers, ", "))
		if g.missing != nil {
			d.add(about, d.missing(g.handler, g.name, "configuration", g.missing))
			continue
		}
		d.add(about, d.examine(g.sink, g.site)...)
	}
	if offline.Require(handlers, offline.AnySink) != nil {
		return // The spool of a sink that cannot be had here would look forgotten.
	}
	if checks := sinks.ExamineForgotten(all); len(checks) > 0 {
		d.add("spools without a sink", checks...)
	}
}

func (d *Doctor) examine(sink sinks.Sink, site sinks.Site) []report.Check {
	examiner, ok := sink.(sinks.Examiner)
	if !ok {
		return []report.Check{{Name: "sink", Mark: report.OK, Found: "nothing to check"}}
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	return examiner.Examine(ctx, site)
}
