// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/internal/version"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Status is the answer of /segment_pixel/status. Its counters are those of the
// process.
type Status struct {
	Version        string              `json:"version"`
	Caddy          string              `json:"caddy"`
	Now            time.Time           `json:"now"`
	RunningSince   *time.Time          `json:"running_since,omitempty"` // the configuration
	Ready          bool                `json:"ready"`
	Problems       []string            `json:"problems"`
	Checks         []Check             `json:"checks"` // the problems in parts, one for one
	Outcomes       watch.OutcomeTotals `json:"outcomes"`
	Repairs        map[string]uint64   `json:"repairs"`
	Mended         []watch.Mended      `json:"mended"`    // the same by source
	Repeating      []watch.Repeating   `json:"repeating"` // sources that send message ids again
	UntrustedProxy uint64              `json:"untrusted_proxy"`
	Recent         recentStatus        `json:"recent"`
	BuilderSeals   bool                `json:"builder_seals"` // the live page may seal pixels
	Handlers       []Handler           `json:"handlers"`
}

type recentStatus struct {
	Kept     int    `json:"kept"` // of those that became events, and of the others
	Payloads string `json:"payloads"`
}

// Handler is one handler. Write keys are not shown, only their sources.
type Handler struct {
	PathPrefixes []string `json:"path_prefixes"`
	Addresses    []string `json:"addresses,omitempty"` // where pixels may be sent to, as far as the configuration names hosts
	Sources      []string `json:"sources"`
	MaxEventSize int      `json:"max_event_size"`
	ClientIP     string   `json:"client_ip"`
	report.Trouble
	// Suppress is its list of those who have withdrawn consent.
	Suppress *suppress.State `json:"suppress,omitempty"`
	Sinks    []Sink          `json:"sinks"`
}

// Sink is one sink of a handler.
type Sink struct {
	Sink string `json:"sink"`
	report.Status
}

// Current is the status of the configuration in force.
func Current() Status {
	simple, _ := caddy.Version()
	kept, payloads := watch.Recent.Settings()
	s := Status{
		Version:        version.Module(),
		Caddy:          simple,
		Now:            time.Now().UTC(),
		Ready:          true,
		Problems:       []string{},
		Checks:         []Check{},
		Outcomes:       watch.Requests.Totals(),
		Repairs:        watch.Requests.Repaired(),
		Mended:         watch.Requests.Mended(),
		Repeating:      watch.Requests.Repeating(),
		UntrustedProxy: watch.Requests.ThroughUntrustedProxy(),
		Recent:         recentStatus{Kept: kept, Payloads: payloads},
		Handlers:       []Handler{},
	}
	c := handlers.Running.InForce()
	if c == nil {
		const nothing = "no configuration with segment_pixel runs"
		s.Ready = false
		s.add(nothing, Check{"", report.Check{Name: "configuration", Mark: report.Problem, Found: nothing}})
		return s
	}
	s.RunningSince, s.BuilderSeals = &c.Since, c.BuilderSeals
	for i, h := range c.Handlers {
		handler, ready := ofHandler(h, c.MaxBacklogAge)
		s.Handlers = append(s.Handlers, handler)
		s.Ready = s.Ready && ready
		about := fmt.Sprintf("handler %d", i+1)
		s.addAll(about, true, handler.Checks)
		if list := handler.Suppress; list != nil {
			s.addAll(about, list.Known, list.Checks)
		}
		for _, sink := range handler.Sinks {
			s.addAll("sink "+sink.Sink, sink.Ready, sink.Checks)
		}
	}
	return s
}

// addAll lists problems among all others. They are mere warnings where events are taken
// all the same.
func (s *Status) addAll(about string, ready bool, checks []report.Check) {
	for _, check := range checks {
		if ready {
			check.Mark = report.Warning
		}
		s.add(about+": "+check.String(), Check{about, check})
	}
}

// add lists each problem once: sites that import one snippet share their sinks.
func (s *Status) add(text string, check Check) {
	if !slices.Contains(s.Problems, text) {
		s.Problems, s.Checks = append(s.Problems, text), append(s.Checks, check)
	}
}

// ofHandler tells how a handler is, and whether its sinks can take events.
func ofHandler(h handlers.Handler, maxBacklogAge time.Duration) (Handler, bool) {
	options := h.Options()
	s := Handler{
		PathPrefixes: options.PathPrefixes,
		Addresses:    options.Addresses,
		Sources:      h.Keys().Names(),
		MaxEventSize: options.MaxEventSize,
		ClientIP:     options.ClientIP,
		Trouble:      h.Problems(),
		Sinks:        []Sink{},
	}
	ready := true
	if list := h.Suppress(); list != nil && list.State != nil {
		s.Suppress = list.State
		s.Problems = append(s.Problems, list.State.Problems...)
		ready = list.State.Known
	}
	for _, sink := range h.Sinks() {
		each := ofSink(sink, maxBacklogAge)
		s.Sinks = append(s.Sinks, each)
		ready = ready && each.Ready
	}
	return s, ready
}

// ofSink adds to what a sink tells of itself what the handler knows of it. A
// sink that tells nothing is ready as long as it takes events.
func ofSink(s handlers.Sink, maxBacklogAge time.Duration) Sink {
	each := Sink{Sink: s.Name, Status: report.Status{Ready: true}}
	if reporter, ok := s.Sink.(sinks.Reporter); ok {
		each.Status = reporter.Status()
	}
	if spool := each.Spool; spool != nil && spool.Events > 0 && spool.OldestSeconds > maxBacklogAge.Seconds() {
		each.Ready = false
		each.AddProblem(report.EventsWaiting, "", "%d events wait in the spool %s, the oldest for %s, which is longer than max_backlog_age",
			spool.Events, spool.Dir, time.Duration(spool.OldestSeconds*float64(time.Second)).Round(time.Second))
	}
	if problem := s.Problem(); problem != "" {
		each.Ready = false
		each.AddProblem("sink", "", "%s", problem)
	}
	return each
}
