// SPDX-License-Identifier: Apache-2.0

package mend

import (
	"bytes"
	"html"
)

// longestReference is more than the longest character reference that stands in a URL
// has, in bytes, with its ampersand and semicolon.
const longestReference = 12

// References replaces HTML character references by their characters. They may have
// been escaped twice, as in &amp;quot;.
func References(text []byte) (rest []byte, changed bool) {
	for range 2 {
		once, did := references(text, func(dst []byte, c string) []byte { return append(dst, c...) })
		if !did {
			break
		}
		text, changed = once, true
	}
	return text, changed
}

// QueryReferences does the same in a raw query. A character that has a meaning there is
// percent-encoded, but for the ampersand and the equals sign: they were written as
// references because the whole URL was.
func QueryReferences(query string) (rest string, changed bool) {
	text := []byte(query)
	for range 2 {
		once, did := references(text, func(dst []byte, c string) []byte {
			if c == "&" || c == "=" {
				return append(dst, c...)
			}
			return AppendEscaped(dst, c)
		})
		if !did {
			break
		}
		text, changed = once, true
	}
	return string(text), changed
}

func references(text []byte, write func(dst []byte, character string) []byte) (rest []byte, changed bool) {
	at := bytes.IndexByte(text, '&')
	if at < 0 {
		return text, false
	}
	rest = make([]byte, 0, len(text))
	for at >= 0 {
		rest, text = append(rest, text[:at]...), text[at:]
		c, size := referenceAt(text)
		if size == 0 {
			rest, text = append(rest, '&'), text[1:]
		} else {
			rest, text, changed = write(rest, c), text[size:], true
		}
		at = bytes.IndexByte(text, '&')
	}
	return append(rest, text...), changed
}

// referenceAt reads the reference that text begins with.
func referenceAt(text []byte) (character string, size int) {
	end := bytes.IndexByte(text[:min(len(text), longestReference)], ';')
	if end < 2 || !isReference(text[1:end]) {
		return "", 0
	}
	switch string(text[1:end]) { // the most frequent ones, which allocate nothing here
	case "amp":
		return "&", end + 1
	case "quot":
		return `"`, end + 1
	case "lt":
		return "<", end + 1
	case "gt":
		return ">", end + 1
	}
	reference := string(text[:end+1])
	if character = html.UnescapeString(reference); character == reference {
		return "", 0
	}
	return character, end + 1
}

// isReference tells whether a name can be that of a reference.
func isReference(name []byte) bool {
	if name[0] == '#' {
		name = name[1:]
	}
	for _, c := range name {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(name) > 0
}

// AppendEscaped percent-encodes every byte that is no letter or digit.
func AppendEscaped(dst []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
