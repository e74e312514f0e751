// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"fmt"
	"net/http"
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

func serveStatus(w http.ResponseWriter, _ *http.Request) error {
	return answerJSON(w, http.StatusOK, currentStatus())
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
		UntrustedProxy: requests.untrustedProxy.Load(),
		Recent:         recentStatus{Kept: kept, Payloads: payloads},
		Handlers:       []handlerStatus{},
	}
	app := running.inForce()
	if app == nil {
		s.Ready = false
		s.Problems = append(s.Problems, "no configuration with segment_pixel runs")
		return s
	}
	s.RunningSince = new(app.runsSince())
	for i, h := range app.mounted() {
		handler, ready := h.status(time.Duration(app.MaxBacklogAge))
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

// status tells how the handler is, and whether its sinks can take events.
func (h *Handler) status(maxBacklogAge time.Duration) (handlerStatus, bool) {
	s := handlerStatus{
		PathPrefixes: h.PathPrefixes,
		Sources:      h.keys.names(),
		MaxEventSize: h.MaxEventSize,
		ClientIP:     h.ClientIP,
		Problems:     h.problems(),
		Sinks:        []sinkStatus{},
	}
	ready := true
	for _, sink := range h.sinks {
		each := sink.status(maxBacklogAge)
		s.Sinks = append(s.Sinks, each)
		ready = ready && each.Ready
	}
	return s, ready
}

func (h *Handler) problems() []string {
	var problems []string
	if problem := h.proxies.problem(); problem != "" && h.ip.Publish {
		problems = append(problems, problem)
	}
	if trouble := h.keys.trouble.Load(); trouble != nil {
		problems = append(problems, "the write keys changed, but could not be read, so the old ones are in force: "+*trouble)
	}
	return problems
}

// status adds to what a sink tells of itself what the handler knows of it. A sink
// that tells nothing is ready as long as it takes events.
func (s *mountedSink) status(maxBacklogAge time.Duration) sinkStatus {
	each := sinkStatus{Sink: s.name, Status: sinks.Status{Ready: true}}
	if reporter, ok := s.Sink.(sinks.Reporter); ok {
		each.Status = reporter.Status()
	}
	if spool := each.Spool; spool != nil && spool.Events > 0 && spool.OldestSeconds > maxBacklogAge.Seconds() {
		each.Ready = false
		each.Problems = append(each.Problems, fmt.Sprintf("%d events wait in the spool %s, the oldest for %s, which is longer than max_backlog_age",
			spool.Events, spool.Dir, time.Duration(spool.OldestSeconds*float64(time.Second)).Round(time.Second)))
	}
	if problem := s.health.problem(); problem != "" {
		each.Ready = false
		each.Problems = append(each.Problems, problem)
	}
	return each
}
