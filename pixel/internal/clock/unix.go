// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"strconv"
	"time"
)

// secondsBelow is where numbers end that are seconds since 1970, and milliseconds begin.
// As seconds it is the year 5138, as milliseconds the spring of 1973.
const secondsBelow = 1e11

// latest bounds what is a time at all, in milliseconds: the end of the year 9999.
const latest = 253402300800000

// isNumber tells whether text is a number as JSON has it.
func isNumber(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9', c == '.':
		case c == '-' && i == 0:
		case (c == 'e' || c == 'E' || c == '+' || c == '-') && i > 0:
			// An exponent. A date has another form.
			if c == '-' && text[i-1]|0x20 != 'e' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func parseUnix(text string) (time.Time, bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return time.Time{}, false
	}
	if -secondsBelow < n && n < secondsBelow {
		n *= 1000
	}
	if n <= -latest || n >= latest {
		return time.Time{}, false
	}
	if n >= 0 {
		n += 0.0005 // what binary fractions lack of a millisecond
	}
	return time.UnixMilli(int64(n)), true
}
