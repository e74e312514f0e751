// SPDX-License-Identifier: Apache-2.0

package mend

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Charset returns text that is no UTF-8 in UTF-8: UTF-16 with a byte order mark or with
// every other byte zero, and anything else as Windows-1252, of which Latin-1 is a part
// where it has characters.
func Charset(text []byte) (utf []byte, changed bool) {
	if text, changed := UTF16(text); changed {
		return text, true
	}
	if utf8.Valid(text) || !isWindows1252(text) {
		return text, false
	}
	utf = make([]byte, 0, len(text)+len(text)/4)
	for _, c := range text {
		utf = utf8.AppendRune(utf, windows1252(c))
	}
	return utf, true
}

// UTF16 returns text that is UTF-16 in UTF-8.
func UTF16(text []byte) (utf []byte, changed bool) {
	if big, is := isUTF16(text); is {
		return fromUTF16(text, big), true
	}
	return text, false
}

// isWindows1252 tells whether text that is no UTF-8 can be Windows-1252. What is UTF-8 up
// to a byte and then no more was damaged there, as by plus signs that were cut out of its
// base64; and no text has control characters.
func isWindows1252(text []byte) bool {
	ascii := true
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			break
		}
		ascii = ascii && size == 1
		rest = rest[size:]
	}
	if !ascii {
		return false
	}
	for _, c := range text {
		switch c {
		case 0x7f, 0x81, 0x8d, 0x8f, 0x90, 0x9d:
			return false
		}
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0 {
			return false
		}
	}
	return true
}

// isUTF16 tells whether text is UTF-16, and with the more significant byte first. A
// JSON object begins with characters of ASCII.
func isUTF16(text []byte) (big, is bool) {
	switch {
	case len(text) < 4 || len(text)%2 != 0:
		return false, false
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		return false, true
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return true, true
	case text[0] != 0 && text[1] == 0 && text[2] != 0 && text[3] == 0:
		return false, true
	case text[0] == 0 && text[1] != 0 && text[2] == 0 && text[3] != 0:
		return true, true
	}
	return false, false
}

func fromUTF16(text []byte, big bool) []byte {
	utf := make([]byte, 0, len(text))
	unit := func(i int) rune {
		if big {
			return rune(text[i])<<8 | rune(text[i+1])
		}
		return rune(text[i+1])<<8 | rune(text[i])
	}
	for i := 0; i+1 < len(text); i += 2 {
		r := unit(i)
		if i == 0 && r == '\ufeff' {
			continue
		}
		if utf16.IsSurrogate(r) && i+3 < len(text) {
			if pair := utf16.DecodeRune(r, unit(i+2)); pair != utf8.RuneError {
				r, i = pair, i+2
			}
		}
		utf = utf8.AppendRune(utf, r) // half a pair becomes U+FFFD
	}
	return utf
}

// high are the characters of 0x80 to 0x9f, where Windows-1252 differs from Latin-1, with
// zero for the five that it does not have.
var high = [32]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

func windows1252(c byte) rune {
	if 0x80 <= c && c < 0xa0 {
		return high[c-0x80]
	}
	return rune(c)
}
