// SPDX-License-Identifier: Apache-2.0

package mend

import (
	"bytes"
	"unicode/utf8"
)

// wrappers are what stands around a URL in a text: quotation marks, brackets, and the
// end of a sentence. A brace is none: it is a part of the payload.
const wrappers = "\"'`<>()[],.;:!\\«»‘’‚“”„‹›"

// Wrapping drops what the text around a URL has left at the ends of a value, and a
// "data:...;base64," in front.
func Wrapping(text []byte) (rest []byte, changed bool) {
	rest = trimWrappers(text)
	const scheme = "data:"
	if len(rest) > len(scheme) && bytes.EqualFold(rest[:len(scheme)], []byte(scheme)) {
		// A header without a comma is none, and its end is near: it names a type.
		const longest = 100
		if comma := bytes.IndexByte(rest[:min(len(rest), longest)], ','); comma >= 0 {
			rest = trimWrappers(rest[comma+1:])
		}
	}
	return rest, len(rest) != len(text)
}

func trimWrappers(text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if !isWrapper(r) && !isBlank(text[0]) {
			break
		}
		text = text[size:]
	}
	for len(text) > 0 {
		r, size := utf8.DecodeLastRune(text)
		if !isWrapper(r) && !isBlank(text[len(text)-1]) {
			break
		}
		text = text[:len(text)-size]
	}
	return text
}

func isWrapper(r rune) bool {
	if r == utf8.RuneError {
		return false
	}
	for _, w := range wrappers {
		if r == w {
			return true
		}
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
