// SPDX-License-Identifier: Apache-2.0

package report

// Trouble is what is wrong, in a status.
type Trouble struct {
	// Problems are sentences that say what is wrong, and what to do.
	Problems []string `json:"problems,omitempty"`
	// Checks are the same in parts.
	Checks CheckList `json:"-"`
}

// Names of problems that come of what the checks of a sink look at themselves.
const (
	NotConnected  = "NATS"
	EventsWaiting = "waiting events"
)

// AddProblem adds what is wrong. The remedy may be empty.
func (t *Trouble) AddProblem(name, remedy, format string, args ...any) {
	t.Checks.Problem(name, remedy, format, args...)
	t.Problems = append(t.Problems, t.Checks[len(t.Checks)-1].String())
}
