// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"fmt"
	"strings"
	"testing"
)

// examined are the checks of a sink, with the options of its examination.
type examined struct {
	t      *testing.T
	checks []Check
}

// want expects a check of that name and mark whose text or remedy holds the words.
func (e examined) want(mark Mark, name, words string) {
	e.t.Helper()
	for _, check := range e.checks {
		if check.Mark == mark && strings.HasPrefix(check.Name, name) && strings.Contains(check.Found+"\n"+check.Remedy, words) {
			return
		}
	}
	e.t.Errorf("no %s about %q with %q, but:\n%s", mark, name, words, e)
}

// wantNo expects no check with that mark.
func (e examined) wantNo(marks ...Mark) {
	e.t.Helper()
	for _, check := range e.checks {
		for _, mark := range marks {
			if check.Mark == mark {
				e.t.Errorf("unexpected %s: %+v", mark, check)
			}
		}
	}
}

func (e examined) String() string {
	var b strings.Builder
	for _, c := range e.checks {
		fmt.Fprintf(&b, "%-8s %s: %s\n\t%s\n", c.Mark, c.Name, c.Found, c.Remedy)
	}
	return b.String()
}
