// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
)

// Examiner is a sink that can tell, from the outside, whether it would work: the
// command "caddy segment-pixel doctor" asks it. A sink of your own may be one:
//
//	func (q *Queue) Examine(ctx context.Context, _ sinks.Site) []sinks.Check {
//		if err := q.ping(ctx); err != nil {
//			return []sinks.Check{{
//				Name: "queue", Mark: sinks.Problem, Found: err.Error(),
//				Remedy: "check that the queue runs at " + q.Address,
//			}}
//		}
//		return []sinks.Check{{Name: "queue", Mark: sinks.OK, Found: "it answers at " + q.Address}}
//	}
type Examiner interface {
	// Examine looks at what the sink needs and returns one check for each thing, in
	// the order in which they depend on each other. The sink has been provisioned
	// and is not started, and a Caddy with the same configuration may be running at
	// the same time: Examine opens what it needs for itself, changes nothing,
	// publishes nothing and lets go of everything before it returns, which is when
	// the context ends at the latest. No text holds a secret.
	Examine(ctx context.Context, site Site) []Check
}

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

// checkList gathers checks.
type checkList []Check

func (l *checkList) ok(name, format string, args ...any) {
	*l = append(*l, Check{Name: name, Mark: OK, Found: fmt.Sprintf(format, args...)})
}

func (l *checkList) add(mark Mark, name, remedy, format string, args ...any) {
	*l = append(*l, Check{Name: name, Mark: mark, Found: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (l *checkList) warning(name, remedy, format string, args ...any) {
	l.add(Warning, name, remedy, format, args...)
}

func (l *checkList) problem(name, remedy, format string, args ...any) {
	l.add(Problem, name, remedy, format, args...)
}

func (l *checkList) skipped(name, remedy, format string, args ...any) {
	l.add(Skipped, name, remedy, format, args...)
}
