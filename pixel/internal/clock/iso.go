// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"strings"
	"time"
)

// isoLayouts are the ways of ISO 8601 that senders use, RFC 3339 first. A fraction of any
// length is understood with each; a time without a zone is UTC.
var isoLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z0700",
	"2006-01-02T15:04Z07",
	"2006-01-02T15:04",
	"2006-01-02",
	"20060102T150405Z0700",
	"20060102T150405Z07:00",
	"20060102T150405Z07",
	"20060102T150405",
	"20060102T1504Z0700",
	"20060102T1504",
}

// isISO tells whether text begins with a year and goes on with a month.
func isISO(text string) bool {
	const year = 4
	return areDigits(text[:year]) && (text[year] == '-' || '0' <= text[year] && text[year] <= '9')
}

func areDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// parseISO also takes a space for the T, as databases and Python write it, one in front
// of the zone, and small letters.
func parseISO(text string) (time.Time, bool) {
	text = strings.ToUpper(text)
	if date, clock, found := strings.Cut(text, " "); found && len(date) == shortest {
		text = date + "T" + clock
	}
	// In a query, a plus sign is a space.
	if clock, zone, found := strings.Cut(text, " "); found {
		if zone != "" && areDigits(zone[:1]) {
			clock += "+"
		}
		text = clock + zone
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "UTC"), "GMT")
	return first(text, isoLayouts)
}
