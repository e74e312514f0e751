// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
)

// Check is the result of looking at one thing.
type Check struct {
	// Name says in a word or two what was looked at.
	Name string `json:"check"`
	// Mark is what that came to.
	Mark Mark `json:"mark"`
	// Found says what was found, as a sentence without a full stop.
	Found string `json:"found"`
	// Remedy says what to do about it. A check that is OK needs none.
	Remedy string `json:"remedy,omitempty"`
}

// String is what was found, and what to do about it.
func (c Check) String() string {
	if c.Remedy == "" {
		return c.Found
	}
	return c.Found + ": " + c.Remedy
}

// Mark tells how a check came out.
type Mark string

const (
	// OK means that nothing is to be done.
	OK Mark = "ok"
	// Warning means that events arrive, but may not always.
	Warning Mark = "warning"
	// Problem means that events do not arrive.
	Problem Mark = "problem"
	// Skipped means that it could not be found out.
	Skipped Mark = "skipped"
)

// CheckList gathers checks.
type CheckList []Check

// OK adds what is as it should be.
func (l *CheckList) OK(name, format string, args ...any) {
	*l = append(*l, Check{Name: name, Mark: OK, Found: fmt.Sprintf(format, args...)})
}

// Add adds a check.
func (l *CheckList) Add(mark Mark, name, remedy, format string, args ...any) {
	*l = append(*l, Check{Name: name, Mark: mark, Found: fmt.Sprintf(format, args...), Remedy: remedy})
}

// Warning adds what may keep events from arriving.
func (l *CheckList) Warning(name, remedy, format string, args ...any) {
	l.Add(Warning, name, remedy, format, args...)
}

// Problem adds what keeps events from arriving.
func (l *CheckList) Problem(name, remedy, format string, args ...any) {
	l.Add(Problem, name, remedy, format, args...)
}

// Skipped adds what could not be found out.
func (l *CheckList) Skipped(name, remedy, format string, args ...any) {
	l.Add(Skipped, name, remedy, format, args...)
}
