// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// askCaddy gets the status of the Caddy that runs, if there is one.
func (d *Doctor) askCaddy() {
	if d.address == "" {
		d.trouble = errAdminOff
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	text, err := adminapi.Ask(ctx, d.address, adminapi.Path+"status")
	if err != nil {
		d.trouble = err
		return
	}
	running := new(status.Status)
	if d.trouble = json.Unmarshal(text, running); d.trouble == nil {
		d.status = running
		for i := len(running.Checks); i < len(running.Problems); i++ { // An older Caddy has texts alone.
			running.Checks = append(running.Checks, status.Check{Check: report.Check{Found: running.Problems[i]}})
		}
	}
}

// running says what the Caddy that runs has seen.
func (d *Doctor) running() {
	about := "Caddy at " + d.address
	if d.status == nil {
		if d.address == "" {
			about = "Caddy that runs"
		}
		d.add(about, report.Check{
			Name: "status", Mark: report.Skipped, Found: "it does not tell what it has seen: " + strings.Join(strings.Fields(d.trouble.Error()), " "),
			Remedy: "start Caddy, or name its admin API with --address",
		})
		return
	}
	waiting := d.spools()
	checks := append(d.reported(waiting), waiting...)
	d.add(about, append(append(checks, d.outcomes()), append(d.repeating(), d.mended()...)...)...)
}

// repeating says which sources send message ids again: a stream then stores fewer events
// than were accepted, and nothing else tells of it.
func (d *Doctor) repeating() []report.Check {
	var checks []report.Check
	for _, r := range d.status.Repeating {
		if r.Problem == "" {
			continue
		}
		found, remedy, _ := strings.Cut(r.Problem, ": ")
		checks = append(checks, report.Check{Name: "message ids", Mark: report.Warning, Found: found, Remedy: remedy})
	}
	return checks
}

// mended says what had to be mended in how many events of which source, so that whoever
// sends them can be told. What was mended now and then is left out.
func (d *Doctor) mended() []report.Check {
	const (
		most   = 5 // checks
		fewest = 10
		part   = 100 // one event of so many
	)
	var checks []report.Check
	for _, m := range d.status.Mended {
		if m.Events < fewest || m.Events*part < m.Of || len(checks) == most {
			continue
		}
		checks = append(checks, report.Check{Name: "mended", Mark: report.Warning, Found: m.String(), Remedy: m.Hint})
	}
	return checks
}

// reported gathers in one check what the status names as problems, without what the
// checks have said already, or those of the waiting events say. They keep events from
// being delivered only if Caddy itself is not ready because of them.
func (d *Doctor) reported(waiting []report.Check) []report.Check {
	var checks []report.Check
	var left []string
	for i, problem := range d.status.Checks {
		switch {
		case problem.Name == watch.ClientIP:
			if !d.any(func(_ string, check report.Check) bool { return check.Found == problem.Found }) {
				checks = append(checks, problem.Check)
			}
		case d.status.Ready && problem.Name == report.EventsWaiting && slices.ContainsFunc(waiting, func(check report.Check) bool { return check.Mark == report.Warning }):
		case !d.told(&problem):
			left = append(left, d.status.Problems[i])
		}
	}
	check := report.Check{Name: "status", Mark: report.OK, Found: "it is ready"}
	switch {
	case !d.status.Ready && len(left) > 0:
		check.Mark, check.Found = report.Problem, "it is not ready: "+strings.Join(left, "; ")
	case !d.status.Ready && d.Count(report.Problem) > 0:
		check.Mark, check.Found = report.Warning, "it is not ready, because of the problems above"
	case !d.status.Ready:
		check.Mark, check.Found = report.Problem, "it is not ready"
	case len(left) > 0:
		check.Mark, check.Found = report.Warning, "it is ready, but: "+strings.Join(left, "; ")
	}
	if check.Mark != report.OK {
		check.Remedy = "see the checks above, and the log of Caddy"
	}
	return append([]report.Check{check}, checks...)
}

// told tells whether a check has found what the status names as a problem, or the
// cause of it. If Caddy is not ready, a mere warning does not stand for the problem.
func (d *Doctor) told(problem *status.Check) bool {
	// What comes of a server or a stream that does not take the events of a sink.
	follows := problem.Name == report.NotConnected || problem.Name == report.EventsWaiting
	return d.any(func(about string, check report.Check) bool {
		switch {
		case check.Mark != report.Problem && (check.Mark != report.Warning || !d.status.Ready):
			return false
		case check.Found != "" && strings.Contains(problem.Found, check.Found):
			return true
		}
		return follows && check.Mark == report.Problem && strings.HasPrefix(about, problem.About+" of ") &&
			!strings.HasPrefix(check.Name, "spool")
	})
}

// any tells whether one of the checks so far is of that kind.
func (d *Doctor) any(matches func(about string, check report.Check) bool) bool {
	return slices.ContainsFunc(d.found, func(found diagnosis) bool {
		return slices.ContainsFunc(found.checks, func(check report.Check) bool { return matches(found.about, check) })
	})
}

func (d *Doctor) outcomes() report.Check {
	o := d.status.Outcomes
	check := report.Check{Name: "events", Mark: report.OK, Found: fmt.Sprintf(
		"%d accepted, %d rejected, %d dropped, %d failed", o.Accepted, terminal.Total(o.Rejected), o.Dropped, o.Failed)}
	if since := d.status.RunningSince; since != nil {
		check.Found += ", since " + since.Format(time.RFC3339Nano)
	}
	if len(o.Rejected) > 0 {
		check.Found += "; rejected for " + mostFirst(o.Rejected)
	}
	if o.Dropped+o.Failed > 0 {
		check.Mark = report.Warning
		check.Remedy = "see caddy_segment_pixel_sink_dropped_total for the cause; what failed is our own fault, please report it with the log"
	}
	return check
}

// mostFirst lists how often each reason was, the most frequent one first.
func mostFirst(counts map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", counts[name], name)
	}
	return strings.Join(names, ", ")
}
