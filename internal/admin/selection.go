// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// selection is what somebody wants to see of the records.
type selection struct {
	id     string // the same for all who want the same
	filter *watch.Filter
	redact bool
	limit  int
}

// parseSelection reads the parameters of /recent and /live.
func parseSelection(query url.Values) (*selection, error) {
	f, err := watch.ParseFilter(query)
	if err != nil {
		return nil, err
	}
	s := &selection{id: query.Encode(), filter: f}
	if s.redact, err = flagged(query, "redact"); err != nil {
		return nil, err
	}
	if text := query.Get("limit"); text != "" {
		if s.limit, err = strconv.Atoi(text); err != nil || s.limit < 1 {
			return nil, fmt.Errorf("limit is %q: write a number of records", text)
		}
	}
	return s, nil
}

// flagged reads a parameter that is there, empty, or says true or false.
func flagged(query url.Values, name string) (bool, error) {
	if !query.Has(name) {
		return false, nil
	}
	on, err := strconv.ParseBool(cmp.Or(query.Get(name), "true"))
	if err != nil {
		return false, fmt.Errorf("%s is %q: write true or false", name, query.Get(name))
	}
	return on, nil
}

// kept finds records between two cursors, and no more than are wanted.
func (s *selection) kept(from, to watch.Cursor) *watch.Found {
	found := watch.Recent.Find(from, to, s.filter)
	if s.limit > 0 {
		found.Newest(s.limit)
	}
	return found
}

// views shows records. What the configuration hides stays hidden.
func (s *selection) views(page *watch.Page) []watch.View {
	payloads := watch.Shown(page.Payloads, s.redact)
	views := make([]watch.View, len(page.Records))
	for i := range page.Records {
		views[i] = page.Records[i].View(payloads)
	}
	return views
}
