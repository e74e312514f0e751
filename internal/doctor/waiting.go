// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// waitsLong is how old the oldest event of a spool is when it is spoken of: NATS takes
// events within milliseconds as long as all is well.
const waitsLong = 5 * time.Second

// spools says how many events wait in each spool of the Caddy that runs. Sites that
// import one snippet share theirs.
func (d *Doctor) spools() []report.Check {
	var checks []report.Check
	known := make(map[string]bool)
	for _, handler := range d.status.Handlers {
		for _, sink := range handler.Sinks {
			if s := sink.Spool; s != nil && s.Open && !known[s.Dir] {
				known[s.Dir] = true
				checks = append(checks, waitingEvents(s))
			}
		}
	}
	return checks
}

func waitingEvents(s *report.SpoolStatus) report.Check {
	check := report.Check{Name: report.EventsWaiting, Mark: report.OK, Found: "none in " + s.Dir}
	if s.Events == 0 {
		return check
	}
	oldest := time.Duration(s.OldestSeconds * float64(time.Second))
	check.Found = fmt.Sprintf("%d in %s, the oldest for %s", s.Events, s.Dir, oldest.Round(time.Millisecond))
	if oldest < waitsLong {
		return check
	}
	check.Mark = report.Warning
	check.Found = fmt.Sprintf("%d in %s, the oldest for %s", s.Events, s.Dir, oldest.Round(time.Second))
	if s.Waiting != "" {
		check.Found += ": " + s.Waiting
	}
	check.Remedy = "see the checks above and the log of Caddy for what keeps them; they are delivered when that is mended"
	if strings.Contains(s.Waiting, outOfStorage) {
		check.Remedy = "the server has no storage left for JetStream: " +
			"raise max_file_store (or max_memory_store) there, or free its disk"
	}
	return check
}

// outOfStorage is in the server's answer to an event for which it has no storage left,
// whatever the limits of the stream and the account.
const outOfStorage = "err_code=10023"
