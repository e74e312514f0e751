// SPDX-License-Identifier: Apache-2.0

package mend

import "bytes"

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
		if escapes && isMailEscape(text[i+1:]) {
			i += 2
		}
	}
	return rest
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
