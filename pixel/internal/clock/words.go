// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"strings"
	"time"
)

// wordLayouts are those with the names of months: RFC 2822 and RFC 1123 without the
// weekday, which adds nothing, and what JavaScript's Date.prototype.toString writes.
var wordLayouts = []string{
	"2 Jan 2006 15:04:05 -0700",
	"2 Jan 2006 15:04 -0700",
	"Jan 2 2006 15:04:05 -0700",
	"Jan 2 2006 15:04:05 GMT-0700",
}

// zones are the names that RFC 2822 gives a meaning. Others mean different times to
// different people, so they are not understood.
var zones = map[string]string{
	"Z": "+0000", "UT": "+0000", "UTC": "+0000", "GMT": "+0000",
	"EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500",
	"MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}

func parseWords(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(text, "(") // a comment, which names the zone
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(words) > 0 && isWeekday(words[0]) {
		words = words[1:]
	}
	const fewest = 4 // day, month, year and time
	if len(words) < fewest {
		return time.Time{}, false
	}
	last := len(words) - 1
	if before := words[last-1]; areDigits(words[last]) && len(words[last]) == len("0100") && (before == "GMT" || strings.Contains(before, ":")) {
		words[last] = "+" + words[last] // In a query, a plus sign is a space.
		if before == "GMT" {
			words = append(words[:last-1], "GMT"+words[last])
			last--
		}
	}
	if offset, known := zones[strings.ToUpper(words[last])]; known {
		words[last] = offset
	} else if len(words) == fewest {
		return time.Time{}, false // neither of these forms goes without a zone
	} else {
		words[last] = strings.Replace(words[last], ":", "", 1)
	}
	return first(strings.Join(words, " "), wordLayouts)
}

func isWeekday(word string) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := day.String(); strings.EqualFold(word, name[:3]) || strings.EqualFold(word, name) {
			return true
		}
	}
	return false
}
