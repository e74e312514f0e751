// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Filter says which records somebody wants to see. An empty list lets all through.
type Filter struct {
	sources, types, outcomes, reasons []string
}

// ParseFilter reads the parameters source, type, outcome and reason, each of which
// may be repeated and hold several values with commas between them. As an outcome, a
// reason is understood as well.
func ParseFilter(query url.Values) (*Filter, error) {
	f := &Filter{
		sources:  listed(query["source"]),
		types:    listed(query["type"]),
		outcomes: listed(query["outcome"]),
		reasons:  listed(query["reason"]),
	}
	for _, typ := range f.types {
		if pixel.ParseType(typ) == pixel.NoType {
			return nil, fmt.Errorf("there is no event type %q: write identify, group, alias, page, screen or track", typ)
		}
	}
	for _, name := range f.outcomes {
		if !slices.Contains(resultNames[:], name) && !isReason(name) {
			return nil, fmt.Errorf("there is no outcome %q: write accepted, rejected, dropped, failed or a reason", name)
		}
	}
	for _, name := range f.reasons {
		if !isReason(name) {
			return nil, fmt.Errorf("there is no reason %q: see docs/pixels.md", name)
		}
	}
	return f, nil
}

func listed(values []string) []string {
	var list []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}

func isReason(name string) bool {
	return slices.ContainsFunc(pixel.Reasons(), func(r pixel.Reason) bool { return r.String() == name })
}

// wants tells whether the filter can let through anything of a ring.
func (f *Filter) wants(which int) bool {
	if which == ringAccepted {
		return len(f.reasons) == 0 && (len(f.outcomes) == 0 || slices.Contains(f.outcomes, Accepted.String()))
	}
	return len(f.outcomes) == 0 || !slices.Equal(f.outcomes, []string{Accepted.String()})
}

func (f *Filter) matches(rec *record) bool {
	return f.matchesOutcome(rec) &&
		(len(f.sources) == 0 || slices.Contains(f.sources, rec.source)) &&
		(len(f.types) == 0 || slices.ContainsFunc(f.types, func(typ string) bool { return pixel.ParseType(typ) == rec.typ }))
}

func (f *Filter) matchesOutcome(rec *record) bool {
	reason := ""
	if rec.result == Rejected {
		reason = rec.reason.String()
	}
	return (len(f.outcomes) == 0 || slices.Contains(f.outcomes, rec.result.String()) || slices.Contains(f.outcomes, reason)) &&
		(len(f.reasons) == 0 || slices.Contains(f.reasons, reason))
}
