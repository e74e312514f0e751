// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// status is the answer of /segment_pixel/status. Its counters are those of the
// process.
type status struct {
	Version        string            `json:"version"`
	Caddy          string            `json:"caddy"`
	Now            time.Time         `json:"now"`
	RunningSince   *time.Time        `json:"running_since,omitempty"` // the configuration
	Ready          bool              `json:"ready"`
	Problems       []string          `json:"problems"`
	Outcomes       outcomeTotals     `json:"outcomes"`
	Repairs        map[string]uint64 `json:"repairs"`
	UntrustedProxy uint64            `json:"untrusted_proxy"`
	Recent         recentStatus      `json:"recent"`
	Handlers       []handlerStatus   `json:"handlers"`
}

type recentStatus struct {
	Kept     int    `json:"kept"` // of those that became events, and of the others
	Payloads string `json:"payloads"`
}

// handlerStatus is one handler. Write keys are not shown, only their sources.
type handlerStatus struct {
	PathPrefixes []string     `json:"path_prefixes"`
	Sources      []string     `json:"sources"`
	MaxEventSize int          `json:"max_event_size"`
	ClientIP     string       `json:"client_ip"`
	Problems     []string     `json:"problems,omitempty"`
	Sinks        []sinkStatus `json:"sinks"`
}

type sinkStatus struct {
	Sink string `json:"sink"`
	sinks.Status
}

func currentStatus() status {
	simple, _ := caddy.Version()
	kept, payloads := recent.settings()
	s := status{
		Version:        version(),
		Caddy:          simple,
		Now:            time.Now().UTC(),
		Ready:          true,
		Problems:       []string{},
		Outcomes:       requests.totals(),
		Repairs:        requests.repaired(),
		UntrustedProxy: requests.throughUntrustedProxy(),
		Recent:         recentStatus{Kept: kept, Payloads: payloads},
		Handlers:       []handlerStatus{},
	}
	c := running.inForce()
	if c == nil {
		s.Ready = false
		s.Problems = append(s.Problems, "no configuration with segment_pixel runs")
		return s
	}
	s.RunningSince = &c.Since
	for i, h := range c.Handlers {
		handler, ready := statusOf(h, c.MaxBacklogAge)
		s.Handlers = append(s.Handlers, handler)
		s.Ready = s.Ready && ready
		s.addProblems(i, &handler)
	}
	return s
}

// addProblems lists the problems of a handler among all others, each once: sites that
// import one snippet share their sinks.
func (s *status) addProblems(index int, h *handlerStatus) {
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
func statusOf(h handlerView, maxBacklogAge time.Duration) (handlerStatus, bool) {
	options := h.Options()
	s := handlerStatus{
		PathPrefixes: options.PathPrefixes,
		Sources:      h.Keys().names(),
		MaxEventSize: options.MaxEventSize,
		ClientIP:     options.ClientIP,
		Problems:     h.Problems(),
		Sinks:        []sinkStatus{},
	}
	ready := true
	for _, sink := range h.Sinks() {
		each := sinkStatusOf(sink, maxBacklogAge)
		s.Sinks = append(s.Sinks, each)
		ready = ready && each.Ready
	}
	return s, ready
}

// sinkStatusOf adds to what a sink tells of itself what the handler knows of it. A
// sink that tells nothing is ready as long as it takes events.
func sinkStatusOf(s handlerSink, maxBacklogAge time.Duration) sinkStatus {
	each := sinkStatus{Sink: s.Name, Status: sinks.Status{Ready: true}}
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
