// SPDX-License-Identifier: Apache-2.0

package watch

// Summary is what the requests since the start of the process come to.
type Summary struct {
	Problems []Problem    `json:"problems"`
	Events   []EventCount `json:"events"` // empty unless payloads are shown
}

// Summary shows samples and names as App.Payloads says, or with redact without values.
func (r *recorder) Summary(redact bool) Summary {
	groups, events, payloads := r.summed()
	payloads = Shown(payloads, redact)
	s := Summary{Problems: problemViews(groups, payloads), Events: []EventCount{}}
	if payloads == PayloadsFull {
		sortEventCounts(events)
		s.Events = events
	}
	return s
}

// summed copies what is summed up, as requests wait meanwhile.
func (r *recorder) summed() (groups []group, events []EventCount, payloads string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problems.groups(), r.events.views(), r.payloads
}
