// SPDX-License-Identifier: Apache-2.0

package mend

import "unicode/utf8"

// Invisible drops what nobody sees from text that has no place for it, such as base64:
// zero-width characters, soft hyphens, no-break spaces and marks of direction.
func Invisible(text []byte) (rest []byte, changed bool) {
	if isASCII(text) {
		return text, false
	}
	for i := 0; i < len(text); {
		size := invisibleAt(text[i:])
		if size == 0 {
			if changed {
				rest = append(rest, text[i])
			}
			i++
			continue
		}
		if !changed {
			rest, changed = append(make([]byte, 0, len(text)), text[:i]...), true
		}
		i += size
	}
	if !changed {
		return text, false
	}
	return rest, true
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// invisibleAt is how many bytes of an invisible character text begins with.
func invisibleAt(text []byte) int {
	if text[0] < 0xc2 { // no such character begins with less
		return 0
	}
	r, size := utf8.DecodeRune(text)
	if !isInvisible(r) {
		return 0
	}
	return size
}

func isInvisible(r rune) bool {
	switch r {
	case '\u00a0', '\u00ad', '\u034f', '\u061c', '\u180e', '\u202f', '\u3000', '\ufeff':
		return true
	}
	return '\u2000' <= r && r <= '\u200f' || '\u2028' <= r && r <= '\u202e' || '\u205f' <= r && r <= '\u2064' ||
		'\u2066' <= r && r <= '\u206f'
}
