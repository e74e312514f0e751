// SPDX-License-Identifier: Apache-2.0

package mend

import (
	"bytes"
	"strings"
)

// SoftBreaks drops what quoted-printable mail leaves within base64: an equals sign at
// the end of a line, whose line break browsers strip from an attribute. With escapes,
// =0D, =0A and =3D are such remains as well; otherwise what follows an equals sign are
// digits of the payload. Padding at the end goes, too.
func SoftBreaks(text []byte, escapes bool) []byte {
	rest := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		next := bytes.IndexByte(text[i:], '=')
		if next < 0 {
			return append(rest, text[i:]...)
		}
		rest = append(rest, text[i:i+next]...)
		i += next
		switch {
		case escapes && isMailEscape(text[i+1:]):
			i += 2
		case i+1 < len(text) && text[i+1] == ' ': // a line break that has become a space
			i++
		}
	}
	return rest
}

// MailField undoes quoted-printable in the raw value of a parameter. There, an equals sign
// stands before two digits, or was at the end of a line, which is gone as a rule.
func MailField(raw string) string {
	if strings.IndexByte(raw, '=') < 0 {
		return raw
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(raw, "=")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if len(rest) >= 2 && strings.ToUpper(rest[:2]) == rest[:2] {
			if c, ok := hexNumber(rest[:2]); ok && c >= ' ' && c != 0x7f {
				b.WriteString("%" + rest[:2])
				raw = rest[2:]
				continue
			}
		}
		rest = strings.TrimPrefix(rest, "%0D")
		raw = strings.TrimPrefix(rest, "%0A")
	}
}

func isMailEscape(text []byte) bool {
	if len(text) < 2 {
		return false
	}
	switch text[0] {
	case '0':
		return text[1]|0x20 == 'd' || text[1]|0x20 == 'a' || text[1] == '9'
	case '2':
		return text[1] == '0'
	}
	return text[0] == '3' && text[1]|0x20 == 'd'
}
