// SPDX-License-Identifier: Apache-2.0

package pixel

import "strings"

// nextPair cuts the first pair off a raw query. Only "&" separates: a ";" stays
// where it is, unlike in url.ParseQuery, which drops such a pair whole. The name
// and the value are still percent-encoded.
func nextPair(query string) (name, value, rest string) {
	pair, rest, _ := strings.Cut(query, "&")
	name, value, _ = strings.Cut(pair, "=")
	return name, value, rest
}

// paramName undoes the percent-encoding of a parameter's name and drops the
// "amp;" that an ampersand escaped once too often for HTML leaves behind.
func paramName(raw string) (name string, repaired bool) {
	name = unescape(raw)
	return strings.CutPrefix(name, "amp;")
}

// unescape undoes percent-encoding, a plus sign being a space.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	return string(appendUnescaped(make([]byte, 0, len(s)), s, ' '))
}

// appendUnescaped appends s without its percent-encoding. Each literal plus
// sign becomes the byte plus. An escape that is cut off or not hexadecimal is
// kept as it stands.
func appendUnescaped[Text string | []byte](dst []byte, s Text, plus byte) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			dst = append(dst, plus)
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func isHex(c byte) bool {
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
