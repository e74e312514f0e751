// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"strings"
	"time"
)

// longest is more than any time has that is understood, in bytes. JavaScript writes the
// name of the zone behind it.
const longest = 160

// shortest is a date.
const shortest = len("2006-01-02")

// Parse reads a time, in UTC and whole milliseconds. It has a year of four digits, as
// RFC 3339 wants it. A time that is written so costs no allocation.
func Parse(text []byte) (t time.Time, ok bool) {
	if len(text) >= len("2006-01-02T15:04:05Z") && text[4] == '-' && text[10] == 'T' {
		if t, err := time.Parse(time.RFC3339, string(text)); err == nil {
			t = t.UTC().Truncate(time.Millisecond)
			return t, CanPublish(t)
		}
	}
	return parse(strings.TrimSpace(string(text)))
}

func parse(text string) (t time.Time, ok bool) {
	if text == "" || len(text) > longest {
		return time.Time{}, false
	}
	switch {
	case isNumber(text):
		t, ok = parseUnix(text)
	case len(text) < shortest: // each format that does not fit allocates an error
	case isISO(text):
		t, ok = parseISO(text)
	default:
		t, ok = parseWords(text)
	}
	if !ok {
		return time.Time{}, false
	}
	t = t.UTC().Truncate(time.Millisecond)
	return t, CanPublish(t)
}

// CanPublish tells whether a time has a year of four digits.
func CanPublish(t time.Time) bool { return 0 <= t.Year() && t.Year() <= 9999 }

// first parses with each of the layouts until one fits.
func first(text string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
