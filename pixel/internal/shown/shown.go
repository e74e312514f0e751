// SPDX-License-Identifier: Apache-2.0

package shown

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Name makes a name of the payload fit for a line of ours.
func Name(name string) string {
	const most = 60 // bytes
	name = First(strings.ToValidUTF8(name, "\ufffd"), most)
	if name == "" || strings.ContainsAny(name, ` ,;"`) || strconv.Quote(name) != `"`+name+`"` {
		return strconv.Quote(name)
	}
	return name
}

// Listed joins names, but not very many.
func Listed(names []string) string {
	const most = 20
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(names, ", ")
}

// Counted is a number and what it counts, in the plural where it needs one.
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Kind names a kind of JSON value.
func Kind(kind jsontext.Kind) string {
	switch kind {
	case '"':
		return "text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 'n':
		return "null"
	default:
		return "true or false"
	}
}

// First cuts a text behind n bytes or a little earlier.
func First(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + ellipsis
}

// Last keeps the last n bytes of a text or a little less.
func Last(text string, n int) string {
	if len(text) <= n {
		return text
	}
	start := len(text) - n
	for start < len(text) && !utf8.RuneStart(text[start]) {
		start++
	}
	return ellipsis + text[start:]
}
