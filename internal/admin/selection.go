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
	s := &selection{filter: f}
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

// views shows records. What the configuration hides stays hidden.
func (s *selection) views(page *watch.Page) []watch.View {
	payloads := page.Payloads
	if s.redact && payloads == watch.PayloadsFull {
		payloads = watch.PayloadsRedacted
	}
	views := make([]watch.View, len(page.Records))
	for i := range page.Records {
		views[i] = page.Records[i].View(payloads)
	}
	return views
}
