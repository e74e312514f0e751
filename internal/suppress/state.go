// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// State is what can be told of a list. It names nobody.
type State struct {
	Bucket string `json:"bucket"`
	// People is how many are on the list.
	People int `json:"people"`
	// Known tells whether the bucket was read to its end once ever. Until then events
	// are dropped.
	Known bool `json:"known"`
	// Current tells whether changes of the bucket take effect at this time.
	Current bool `json:"current"`
	// AsOf is when the list was last known to be that of the bucket.
	AsOf *time.Time `json:"as_of,omitempty"`
	report.Trouble
}

// State tells how the list is.
func (l *List) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := State{Bucket: l.bucket, People: l.set.count(), Known: l.Known(), Current: l.current}
	if !l.asOf.IsZero() {
		asOf := l.asOf.UTC()
		s.AsOf = &asOf
	}
	switch {
	case !s.Known:
		s.AddProblem("bucket", "", "suppress %s: the list was never read, so events are answered and dropped: %s", l.bucket, l.trouble)
	case !s.Current && l.trouble != "":
		s.AddProblem("bucket", "", "suppress %s: not read since %s: %s", l.bucket, l.asOf.UTC().Format(time.RFC3339), l.trouble)
	}
	if l.diskFail != "" {
		s.AddProblem("bucket", "", "suppress %s: the list cannot be kept in %s: %s", l.bucket, l.disk.name, l.diskFail)
	}
	if strange := l.strange.Load(); strange > 0 {
		s.AddProblem("bucket", "", "suppress %s: %s", l.bucket, strangeKeys(strange))
	}
	return s
}
