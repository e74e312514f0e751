// SPDX-License-Identifier: Apache-2.0

package mend

import (
	"bytes"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// JSON mends what templates that join JSON by hand, and encoders that are not strict,
// get wrong: control characters inside of texts, a comma before a closing bracket, NaN
// and Infinity, which become null, half a surrogate pair, which becomes U+FFFD, and
// zeros behind the end. Between texts, what is invisible goes. Nothing is ever closed
// that was open. It gives up at the first thing that none of this makes JSON of.
func JSON(text []byte) (rest []byte, changed bool) {
	text, changed = trimZeros(text)
	j := jsonMender{text: text, rest: make([]byte, 0, len(text)+16), changed: changed}
	for j.at < len(text) && !j.hopeless {
		j.token()
	}
	if !j.changed || j.hopeless {
		return text, false
	}
	return j.rest, true
}

func trimZeros(text []byte) (rest []byte, changed bool) {
	rest = bytes.TrimRight(text, " \t\r\n\x00")
	if bytes.IndexByte(text[len(rest):], 0) < 0 {
		return text, false
	}
	return rest, true
}

type jsonMender struct {
	text, rest []byte
	at         int
	changed    bool
	hopeless   bool
	last       byte // of what was copied, but for white space
}

// mayFollow tells whether a text, or a comma, may stand behind what was copied.
func (j *jsonMender) mayFollow(c byte) bool {
	switch j.last {
	case 0, '{', '[', ',', ':':
		return c == '"'
	}
	return c == ','
}

// isOutside tells whether a byte can stand in JSON outside of texts, where commas and
// quotation marks are looked at apart.
func isOutside(c byte) bool {
	switch c {
	case '{', '}', '[', ']', ':', '-', '+', '.', 't', 'r', 'u', 'e', 'f', 'a', 'l', 's', 'n', 'E':
		return true
	}
	return isBlank(c) || '0' <= c && c <= '9'
}

// token copies what begins at j.at outside of texts.
func (j *jsonMender) token() {
	switch c := j.text[j.at]; {
	case c == '"':
		j.hopeless = !j.mayFollow(c)
		j.string()
		return
	case c == ',':
		if j.closesNext() {
			j.drop(1)
			return
		}
		j.hopeless = !j.mayFollow(c)
	case c == 'N':
		if j.replace("NaN") {
			return
		}
	case c == 'I' || c == '-':
		if j.replace("Infinity") || j.replace("-Infinity") {
			return
		}
	case c >= 0xc2:
		if size := invisibleAt(j.text[j.at:]); size > 0 {
			j.drop(size)
			return
		}
	}
	c := j.text[j.at]
	j.hopeless = j.hopeless || c != ',' && !isOutside(c)
	if !isBlank(c) {
		j.last = c
	}
	j.rest = append(j.rest, c)
	j.at++
}

func (j *jsonMender) drop(n int) {
	j.at += n
	j.changed = true
}

// closesNext tells whether the comma at j.at is followed by a closing bracket.
func (j *jsonMender) closesNext() bool {
	for _, c := range j.text[j.at+1:] {
		if !isBlank(c) {
			return c == '}' || c == ']'
		}
	}
	return false
}

func (j *jsonMender) replace(word string) bool {
	if !bytes.HasPrefix(j.text[j.at:], []byte(word)) {
		return false
	}
	j.rest = append(j.rest, "null"...)
	j.last = 'l'
	j.drop(len(word))
	return true
}

// string copies a text with its quotation marks.
func (j *jsonMender) string() {
	j.rest = append(j.rest, '"')
	j.last = '"'
	for j.at++; j.at < len(j.text); {
		switch c := j.text[j.at]; {
		case c == '"':
			j.rest = append(j.rest, '"')
			j.at++
			return
		case c == '\\':
			j.escape()
		case c < ' ':
			quoted, _ := jsontext.AppendQuote(nil, []byte{c})
			j.rest = append(j.rest, quoted[1:len(quoted)-1]...)
			j.drop(1)
		default:
			end := j.at + 1
			for end < len(j.text) && j.text[end] >= ' ' && j.text[end] != '"' && j.text[end] != '\\' {
				end++
			}
			j.rest = append(j.rest, j.text[j.at:end]...)
			j.at = end
		}
	}
}

// escape copies the escape that begins at j.at.
func (j *jsonMender) escape() {
	const one = len(`\uXXXX`)
	unit := func(i int) (rune, bool) {
		if len(j.text) < i+one || j.text[i] != '\\' || j.text[i+1] != 'u' {
			return 0, false
		}
		return hexNumber(j.text[i+2 : i+one])
	}
	first, ok := unit(j.at)
	if !ok || !utf16.IsSurrogate(first) {
		end := min(j.at+2, len(j.text))
		j.rest = append(j.rest, j.text[j.at:end]...)
		j.at = end
		return
	}
	if second, ok := unit(j.at + one); ok && utf16.DecodeRune(first, second) != '\ufffd' {
		j.rest = append(j.rest, j.text[j.at:j.at+2*one]...)
		j.at += 2 * one
		return
	}
	j.rest = append(j.rest, `\ufffd`...)
	j.drop(one)
}

// endsBefore tells whether a text in quotation marks ends before the last of them.
func endsBefore(text []byte) bool {
	inner := text[1 : len(text)-1]
	at := bytes.IndexByte(inner, '"')
	return at == 0 || at > 0 && inner[at-1] != '\\'
}

// Unquoted returns the text of a JSON string, if text is nothing but that.
func Unquoted(text []byte) (inner []byte, ok bool) {
	text, _ = trimZeros(bytes.TrimSpace(text))
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' || endsBefore(text) {
		return nil, false
	}
	inner, err := jsontext.AppendUnquote(nil, text)
	return inner, err == nil
}
