// SPDX-License-Identifier: Apache-2.0

package conntest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Examined are the checks of a sink, with the options of its examination.
type Examined struct {
	T      *testing.T
	Checks []report.Check
}

// Want expects a check of that name and mark whose text or remedy holds the words.
func (e Examined) Want(mark report.Mark, name, words string) {
	e.T.Helper()
	for _, check := range e.Checks {
		if check.Mark == mark && strings.HasPrefix(check.Name, name) && strings.Contains(check.Found+"\n"+check.Remedy, words) {
			return
		}
	}
	e.T.Errorf("no %s about %q with %q, but:\n%s", mark, name, words, e)
}

// WantNo expects no check with that mark.
func (e Examined) WantNo(marks ...report.Mark) {
	e.T.Helper()
	for _, check := range e.Checks {
		for _, mark := range marks {
			if check.Mark == mark {
				e.T.Errorf("unexpected %s: %+v", mark, check)
			}
		}
	}
}

func (e Examined) String() string {
	var b strings.Builder
	for _, c := range e.Checks {
		fmt.Fprintf(&b, "%-8s %s: %s\n\t%s\n", c.Mark, c.Name, c.Found, c.Remedy)
	}
	return b.String()
}
