// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"
	"time"
)

// The commands, and what they read, for tests from outside that run a site as well.
var (
	NewURLCommand     = newURLCommand
	NewExplainCommand = newExplainCommand
	NewTailCommand    = newTailCommand
	NewLiveCommand    = newLiveCommand
	NewDoctorCommand  = newDoctorCommand
	NewReplayCommand  = newReplayCommand
)

// MaxLine is how long a line of a log may be.
const MaxLine = maxLine

// ParseLogLine reads a line of an access log.
func ParseLogLine(line string) (r *http.Request, at time.Time, ok bool) {
	logged, ok := parseLogLine([]byte(line))
	return logged.Request, logged.at, ok
}
