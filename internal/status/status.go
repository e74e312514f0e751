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
	Problems     []string `json:"problems,omitempty"`
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
		s.Ready = false
		s.Problems = append(s.Problems, "no configuration with segment_pixel runs")
		return s
	}
	s.RunningSince, s.BuilderSeals = &c.Since, c.BuilderSeals
	for i, h := range c.Handlers {
		handler, ready := ofHandler(h, c.MaxBacklogAge)
		s.Handlers = append(s.Handlers, handler)
		s.Ready = s.Ready && ready
		s.addProblems(i, &handler)
	}
	return s
}

// addProblems lists the problems of a handler among all others, each once: sites that
// import one snippet share their sinks.
func (s *Status) addProblems(index int, h *Handler) {
	add := func(text string) {
		if !slices.Contains(s.Problems, text) {
			s.Problems = append(s.Problems, text)
		}
	}
	for _, problem := range h.Problems {
		add(fmt.Sprintf("handler %d: %s", index+1, problem))
	}
	for _, sink := range h.Sinks {
		for _, problem := range sink.Problems {
			add(fmt.Sprintf("sink %s: %s", sink.Sink, problem))
		}
	}
}

// statusOf tells how a handler is, and whether its sinks can take events.
func ofHandler(h handlers.Handler, maxBacklogAge time.Duration) (Handler, bool) {
	options := h.Options()
	s := Handler{
		PathPrefixes: options.PathPrefixes,
		Addresses:    options.Addresses,
		Sources:      h.Keys().Names(),
		MaxEventSize: options.MaxEventSize,
		ClientIP:     options.ClientIP,
		Problems:     h.Problems(),
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

// sinkStatusOf adds to what a sink tells of itself what the handler knows of it. A
// sink that tells nothing is ready as long as it takes events.
func ofSink(s handlers.Sink, maxBacklogAge time.Duration) Sink {
	each := Sink{Sink: s.Name, Status: report.Status{Ready: true}}
	if reporter, ok := s.Sink.(sinks.Reporter); ok {
		each.Status = reporter.Status()
	}
	if spool := each.Spool; spool != nil && spool.Events > 0 && spool.OldestSeconds > maxBacklogAge.Seconds() {
		each.Ready = false
		each.Problems = append(each.Problems, fmt.Sprintf("%d events wait in the spool %s, the oldest for %s, which is longer than max_backlog_age",
			spool.Events, spool.Dir, time.Duration(spool.OldestSeconds*float64(time.Second)).Round(time.Second)))
	}
	if problem := s.Problem(); problem != "" {
		each.Ready = false
		each.Problems = append(each.Problems, problem)
	}
	return each
}
