// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// endOfName returns the position behind the quotation mark that ends a name. Names
// with an escape are not taken: they would have to be unescaped to be compared.
func endOfName(text []byte, i int) int {
	end := skipPlain(text, i)
	if end < len(text) && text[end] == '"' {
		return end + 1
	}
	end = endOfRichText(text, end)
	if end == notGood || bytes.IndexByte(text[i:end], '\\') >= 0 {
		return notGood
	}
	return end
}

// endOfText returns the position behind the quotation mark that ends a string. Its
// first character stands at i.
func endOfText(text []byte, i int) int {
	i = skipPlain(text, i)
	if i < len(text) && text[i] == '"' {
		return i + 1
	}
	return endOfRichText(text, i)
}

// endOfRichText is endOfText for the rest of a string that has more than printable
// ASCII characters, from the first other one on.
func endOfRichText(text []byte, i int) int {
	for i < len(text) {
		switch c := text[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i = endOfEscape(text, i)
		case c >= utf8.RuneSelf:
			i = skipRunes(text, i)
		default:
			return notGood
		}
		if i == notGood {
			return notGood
		}
		i = skipPlain(text, i)
	}
	return notGood
}

// skipPlain returns the position of the next byte that is more than itself within a
// string: a quotation mark, a backslash, a control character or a part of a
// multi-byte character. Eight bytes are looked at together.
func skipPlain(text []byte, i int) int {
	const each = 0x0101010101010101
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		// Taking a number from a smaller one sets the high bit, and so does a zero
		// minus one. Only a byte behind one that is found can be wrong, by the borrow.
		found := (word | (word - ' '*each) | (word ^ '"'*each - each) | (word ^ '\\'*each - each)) & (0x80 * each)
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && ' ' <= text[i] && text[i] < utf8.RuneSelf && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// skipRunes returns the position behind the multi-byte characters that begin at i.
func skipRunes(text []byte, i int) int {
	for i < len(text) && text[i] >= utf8.RuneSelf {
		_, size := utf8.DecodeRune(text[i:])
		if size == 1 {
			return notGood
		}
		i += size
	}
	return i
}

// endOfEscape returns the position behind the escape whose backslash stands at i.
func endOfEscape(text []byte, i int) int {
	if i+1 >= len(text) {
		return notGood
	}
	switch text[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		unit := codeUnit(text, i)
		switch {
		case unit == notGood:
			return notGood
		case !utf16.IsSurrogate(unit):
			return i + escapeLen
		case utf16.DecodeRune(unit, codeUnit(text, i+escapeLen)) == utf8.RuneError:
			return notGood
		}
		return i + 2*escapeLen
	}
	return notGood
}

const escapeLen = len(`\uABCD`)

// codeUnit reads the escape of a UTF-16 code unit that stands at i.
func codeUnit(text []byte, i int) rune {
	if i+escapeLen > len(text) || text[i] != '\\' || text[i+1] != 'u' {
		return notGood
	}
	unit := rune(0)
	for _, c := range text[i+2 : i+escapeLen] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return notGood
		}
		unit = unit<<4 | rune(c)
	}
	return unit
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// literal reads one of the three words of JSON.
func (v *validator) literal(i int, word string) int {
	if !bytes.HasPrefix(v.text[i:], []byte(word)) {
		return notGood
	}
	return i + len(word)
}

// number reads a number: an integer without leading zeros, then a fraction and an
// exponent if they are there.
func (v *validator) number(i int) int {
	if v.at(i) == '-' {
		i++
	}
	if v.at(i) == '0' {
		i++
	} else if i = v.digits(i); i == notGood {
		return notGood
	}
	if v.at(i) == '.' {
		if i = v.digits(i + 1); i == notGood {
			return notGood
		}
	}
	if c := v.at(i); c == 'e' || c == 'E' {
		i++
		if c := v.at(i); c == '+' || c == '-' {
			i++
		}
		return v.digits(i)
	}
	return i
}

// digits reads one digit or more.
func (v *validator) digits(i int) int {
	start := i
	for isDigit(v.at(i)) {
		i++
	}
	if i == start {
		return notGood
	}
	return i
}
