// SPDX-License-Identifier: Apache-2.0

package encoding

import "strings"

// NextPair cuts the first pair off a raw query. Only "&" separates: a ";" stays
// where it is, unlike in url.ParseQuery, which drops such a pair whole. The name
// and the value are still percent-encoded.
func NextPair(query string) (name, value, rest string) {
	pair, rest, _ := strings.Cut(query, "&")
	name, value, _ = strings.Cut(pair, "=")
	return name, value, rest
}

// AppendUnescaped undoes percent-encoding, a plus sign being a space.
func AppendUnescaped(dst []byte, s string) []byte {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return append(dst, s...)
	}
	for i := 0; i < len(s); {
		if n := TagAt(s[i:]); n > 0 {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
		c, size := UnescapeByte(s[i:])
		if size == 1 && c == '+' {
			c = ' '
		}
		dst = append(dst, c)
		i += size
	}
	return dst
}

// TagAt is how long the merge tag %%...%% is that s begins with, or 0. What is in there
// may look like an escape, as in %%address%%.
func TagAt[Text string | []byte](s Text) int {
	const mark = len("%%")
	if len(s) < mark || s[0] != '%' || s[1] != '%' {
		return 0
	}
	for i := mark; i < len(s); i++ {
		switch {
		case s[i] == '%':
			if i > mark && i+1 < len(s) && s[i+1] == '%' {
				return i + mark
			}
			return 0
		case s[i] <= ' ' || s[i] == '+':
			return 0
		}
	}
	return 0
}

// UnescapeByte decodes the first byte of s. An escape that is cut off or not
// hexadecimal is kept as it stands.
func UnescapeByte[Text string | []byte](s Text) (c byte, size int) {
	if s[0] == '%' && len(s) > 2 && IsHex(s[1]) && IsHex(s[2]) {
		return unhex(s[1])<<4 | unhex(s[2]), 3
	}
	return s[0], 1
}

// AppendMarked undoes the percent-encoding of the value of data once. What may
// have been a plus sign is marked, and marks of an earlier pass stay.
func AppendMarked[Text string | []byte](dst []byte, s Text, earlierMarks bool) []byte {
	for i := 0; i < len(s); {
		run := i
		for i < len(s) && s[i] != '%' && s[i] != '+' && s[i] != LostPlus {
			i++
		}
		dst = append(dst, s[run:i]...)
		if i == len(s) {
			break
		}
		if n := TagAt(s[i:]); n > 0 {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
		c, size := UnescapeByte(s[i:])
		switch {
		case size == 1 && c == '+':
			c = LostPlus
		case c == LostPlus && (size > 1 || !earlierMarks):
			c = foreign
		}
		dst = append(dst, c)
		i += size
	}
	return dst
}

// TrimCutEscape drops the beginning of an escape from the end of a value that
// was cut off.
func TrimCutEscape(s string) string {
	n := len(s)
	switch {
	case n >= 1 && s[n-1] == '%':
		return s[:n-1]
	case n >= 2 && s[n-2] == '%' && IsHex(s[n-1]):
		return s[:n-2]
	default:
		return s
	}
}

// IsHex tells whether a byte is a hexadecimal digit.
func IsHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
