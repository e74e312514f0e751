// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
)

// selection is what somebody wants to see of the records.
type selection struct {
	filter   *filter
	payloads string // as in App.Payloads
	limit    int
}

// parseSelection reads the parameters of /recent and /live. What the configuration
// hides stays hidden.
func parseSelection(query url.Values) (*selection, error) {
	f, err := parseFilter(query)
	if err != nil {
		return nil, err
	}
	s := &selection{filter: f}
	_, s.payloads = recent.settings()
	if redact, err := flagged(query, "redact"); err != nil {
		return nil, err
	} else if redact && s.payloads == payloadsFull {
		s.payloads = payloadsRedacted
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
