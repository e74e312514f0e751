// SPDX-License-Identifier: Apache-2.0

package mend

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
)

// Escaping undoes percent-encoding, and the %uXXXX of JavaScript's escape. What is no
// escape stays as it is, a plus sign, too. Wide tells whether there was a %uXXXX.
// Of these, escape writes what Latin-1 has with two digits, which are a character then and
// no byte of UTF-8.
func Escaping(text []byte) (rest []byte, changed, wide bool) {
	if bytes.IndexByte(text, '%') < 0 {
		return text, false, false
	}
	if rest, changed, wide = escaping(text, false); wide && !utf8.Valid(bytes.ReplaceAll(rest, []byte{encoding.LostPlus}, nil)) {
		return escaping(text, true)
	}
	return rest, changed, wide
}

func escaping(text []byte, latin bool) (rest []byte, changed, wide bool) {
	rest = make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if n := max(encoding.TagAt(text[i:]), 1); n > 1 || text[i] != '%' {
			rest = append(rest, text[i:i+n]...)
			i += n
			continue
		}
		if r, size := wideAt(text[i:]); size > 0 {
			rest, changed, wide = utf8.AppendRune(rest, r), true, true
			i += size
			continue
		}
		if c, ok := escapeAt(text[i:]); ok {
			if changed = true; latin {
				rest = utf8.AppendRune(rest, rune(c))
			} else {
				rest = append(rest, c)
			}
			i += len("%xx")
			continue
		}
		rest = append(rest, '%')
		i++
	}
	return rest, changed, wide
}

// IsWide tells whether there is a %uXXXX in a text.
func IsWide[Text string | []byte](text Text) bool {
	for i := 0; i+len("%uXXXX") <= len(text); i++ {
		next := indexPercent(text[i:])
		if next < 0 {
			return false
		}
		if i += next; i+len("%uXXXX") <= len(text) && text[i+1]|0x20 == 'u' {
			if _, ok := hexNumber(text[i+2 : i+6]); ok {
				return true
			}
		}
	}
	return false
}

func indexPercent[Text string | []byte](text Text) int {
	if b, ok := any(text).([]byte); ok {
		return bytes.IndexByte(b, '%')
	}
	return strings.IndexByte(string(text), '%')
}

// wideAt reads the %uXXXX that text begins with, or two that are one character.
func wideAt(text []byte) (r rune, size int) {
	const one = len("%uXXXX")
	unit := func(i int) (rune, bool) {
		if len(text) < i+one || text[i] != '%' || text[i+1]|0x20 != 'u' {
			return 0, false
		}
		return hexNumber(text[i+2 : i+one])
	}
	first, ok := unit(0)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(first) {
		if second, ok := unit(one); ok {
			if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
				return pair, 2 * one
			}
		}
		return utf8.RuneError, one
	}
	return first, one
}

func escapeAt(text []byte) (c byte, ok bool) {
	if len(text) < len("%xx") {
		return 0, false
	}
	n, ok := hexNumber(text[1:3])
	return byte(n), ok
}

func hexNumber[Text string | []byte](digits Text) (n rune, ok bool) {
	for i := range len(digits) {
		switch c := digits[i]; {
		case '0' <= c && c <= '9':
			n = n<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
