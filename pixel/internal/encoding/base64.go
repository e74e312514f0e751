// SPDX-License-Identifier: Apache-2.0

package encoding

import (
	"bytes"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

const (
	// LostPlus stands, between percent-decoding and base64, for a literal plus
	// sign of the query: it may be the base64 digit or a space in form encoding.
	// A plus sign that came as %2B is the digit without doubt and stays "+".
	LostPlus = 0xff
	// foreign stands for a byte of the query that looks like lostPlus. Both are
	// wrong in UTF-8 and in base64, so the reason does not change.
	foreign = 0xfe
)

const notBase64 = 0xff

// digits maps a byte to its base64 value. The standard and the URL-safe
// alphabet differ in two digits only, so one table reads both, even mixed.
var digits = func() (table [256]byte) {
	for i := range table {
		table[i] = notBase64
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	table['+'], table['-'] = 62, 62
	table['/'], table['_'] = 63, 63
	return table
}()

// placed holds the value of each digit where it stands among the four that make
// three bytes, so that these come of three ORs. No digit sets the bit notPlaced.
var placed = func() (table [4][256]uint32) {
	for place := range table {
		for i, digit := range digits {
			table[place][i] = uint32(digit) << (18 - 6*place)
			if digit == notBase64 {
				table[place][i] = notPlaced
			}
		}
	}
	return table
}()

const notPlaced = 1 << 24

// End is how reading base64 came to its end.
type End uint8

const (
	// Whole says that all of it was read.
	Whole End = iota
	// AtForeign says that a byte is no digit.
	AtForeign
	// Early says that one digit is left over, which is no whole byte.
	Early
)

// AppendBase64 decodes text that holds digits only, with any number of padding
// characters at its end. When it fails, end is AtForeign and at the offset of the byte
// that is no digit, or Early when a single digit is left over. Bits
// that the last digit has too many are ignored: encoders differ there.
func AppendBase64[Text string | []byte](dst []byte, s Text) (out []byte, at int, end End) {
	s = TrimPadding(s)
	n := len(s)
	dst = slices.Grow(dst, n/4*3+2)
	free := dst[len(dst):cap(dst)]
	i, j := 0, 0
	for ; i+4 <= n && j+3 <= len(free); i, j = i+4, j+3 {
		in, out := s[i:i+4], free[j:j+3]
		three := placed[0][in[0]] | placed[1][in[1]] | placed[2][in[2]] | placed[3][in[3]]
		if three >= notPlaced {
			break
		}
		out[0], out[1], out[2] = byte(three>>16), byte(three>>8), byte(three)
	}
	dst = dst[:len(dst)+j]
	rest, bits := uint(0), uint(0)
	for ; i < n; i++ {
		digit := digits[s[i]]
		if digit == notBase64 {
			return dst, i, AtForeign
		}
		rest, bits = rest<<6|uint(digit), bits+6
		if bits >= 8 {
			bits -= 8
			dst = append(dst, byte(rest>>bits))
		}
	}
	if bits == 6 {
		return dst, n, Early
	}
	return dst, n, Whole
}

// TrimPadding drops the padding at the end.
func TrimPadding[Text string | []byte](s Text) Text {
	n := len(s)
	for n > 0 && s[n-1] == '=' {
		n--
	}
	return s[:n]
}

// HasOneReading tells whether text of a query that is base64 as it stands, and not
// padding alone, can be read in no other way.
func HasOneReading(raw string) bool {
	return strings.IndexByte(raw, '+') < 0 && !strings.HasPrefix(raw, EqualsOfMail) && raw[0] != '='
}

// reading is one way to understand the spaces and literal plus signs in base64
// text, both of which a query can stand for a lost "+" or for white space. What
// is set was a plus sign; the others were white space.
type reading struct {
	pluses     bool // literal plus signs
	spaces     bool // spaces within a line
	edgeSpaces bool // spaces that begin or end a line
}

// Readings are tried in this order, the most likely first.
var Readings = [...]reading{
	{pluses: true, spaces: true},                   // form decoding took the plus signs
	{pluses: true, spaces: true, edgeSpaces: true}, // and somebody broke lines at them
	{pluses: true}, // an editor wrapped the text
	{},             // which was then form-encoded
}

// IsAmbiguous tells whether the readings of text differ.
func IsAmbiguous(text []byte) bool {
	return bytes.IndexByte(text, ' ') >= 0 || bytes.IndexByte(text, LostPlus) >= 0
}

// AppendDigits appends what is base64 in percent-decoded text: without white
// space, without padding (which may have become "=3D" in quoted-printable mail),
// and with spaces and plus signs understood as the reading says. A byte that
// cannot belong there is appended as it is, for appendBase64 to report.
func AppendDigits(dst, text []byte, as reading) []byte {
	text = TrimBase64(text)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case digits[c] != notBase64:
			run := LeadingDigits(text[i:])
			dst = append(dst, text[i:i+run]...)
			i += run - 1
		case layout.IsLineSpace(c):
		case c == '=' && i+1 < len(text) && layout.IsLineSpace(text[i+1]):
			// A soft line break of quoted-printable mail.
		case c == ' ':
			run := spaces(text[i:])
			wasPlus := as.spaces
			if besideLineSpace(text, i, i+run) {
				wasPlus = as.edgeSpaces
			}
			for range run {
				if wasPlus {
					dst = append(dst, '+')
				}
			}
			i += run - 1
		case c == LostPlus:
			if as.pluses {
				dst = append(dst, '+')
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// LeadingDigits counts the base64 digits at the beginning of text.
func LeadingDigits(text []byte) int {
	n := 0
	for n < len(text) && digits[text[n]] != notBase64 {
		n++
	}
	return n
}

// spaces counts the spaces at the beginning of text.
func spaces(text []byte) int {
	n := 0
	for n < len(text) && text[n] == ' ' {
		n++
	}
	return n
}

// EqualsOfMail is what quoted-printable leaves of the equals sign in "data=". No
// base64 of a JSON object begins with it: that would be neither a brace nor white
// space.
const EqualsOfMail = "3D"

// TrimBase64 drops white space at both ends, padding at the end, and what is left
// of the equals sign in front.
func TrimBase64(text []byte) []byte {
	text = bytes.TrimPrefix(TrimLeftBlank(text), []byte(EqualsOfMail))
	for {
		n := len(text)
		switch {
		case n >= 1 && (text[n-1] == '=' || isBlank(text[n-1])):
			text = text[:n-1]
		case n >= 3 && text[n-3] == '=' && text[n-2] == '3' && text[n-1]|0x20 == 'd':
			text = text[:n-3]
		default:
			return text
		}
	}
}

// TrimLeftBlank drops spaces, plus signs and line ends in front.
func TrimLeftBlank(text []byte) []byte {
	for len(text) > 0 && isBlank(text[0]) {
		text = text[1:]
	}
	return text
}

func isBlank(c byte) bool { return c == ' ' || c == LostPlus || layout.IsLineSpace(c) }

// besideLineSpace tells whether the spaces from start to end indent or end a line,
// and so were hardly plus signs.
func besideLineSpace(text []byte, start, end int) bool {
	return start > 0 && layout.IsLineSpace(text[start-1]) || end < len(text) && layout.IsLineSpace(text[end])
}

// IsCaseMangled tells whether digits look like base64 whose letters were all
// made lower-case on the way.
func IsCaseMangled[Text string | []byte](text Text) bool {
	lower := false
	if IsHexadecimal(text) {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case 'A' <= c && c <= 'Z' || digits[c] == notBase64:
			return false
		case 'a' <= c && c <= 'z':
			lower = true
		}
	}
	return lower
}

// IsHexadecimal tells whether digits are those of a number to the base of 16, of whole
// bytes. They are base64 digits as well, but no object's.
func IsHexadecimal[Text string | []byte](text Text) bool {
	for i := range len(text) {
		if !IsHex(text[i]) {
			return false
		}
	}
	return len(text)%2 == 0
}
