// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"unicode"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

// identity is what a field of the object says of somebody. The zero value is absent.
type identity struct {
	// text is the identity as text; nil if it is absent, or as the client wrote it.
	text []byte
	// tag is the merge tag that stands where an identity should.
	tag string
	// present tells whether the field identifies somebody. A wrong type counts, so
	// that it is reported as what it is.
	present bool
	// mended is set if text has to be published in place of what the client sent.
	mended bool
}

// identity reads a field that identifies somebody, without the white space around it.
// What is nothing but a merge tag identifies nobody: it would make one person of all
// recipients.
func (c *call) identity(f layout.Field) identity {
	m := c.member(f)
	if !m.Present() {
		return identity{}
	}
	if m.Kind != '"' {
		return identity{present: true}
	}
	raw := m.Value.Of(c.object)
	if raw = raw[1 : len(raw)-1]; len(raw) == 0 {
		return identity{}
	}
	if isPlainIdentity(raw) {
		return identity{text: raw, present: true}
	}
	text := c.text(f)
	trimmed := bytes.TrimFunc(text, isSpace)
	switch {
	case len(trimmed) == 0:
		return identity{mended: true}
	case mergetag.Is(trimmed):
		return identity{tag: string(trimmed), mended: true}
	}
	return identity{text: trimmed, present: true, mended: len(trimmed) != len(text)}
}

// lostPlus tells whether an identity is an address in which a plus sign seems to have
// become a space: that of another person.
func (c *call) lostPlus(f layout.Field) bool {
	m := c.member(f)
	if m.Kind != '"' {
		return false
	}
	text := bytes.Trim(m.Value.Of(c.object), "\" ")
	at := bytes.IndexByte(text, '@')
	return at > 0 && bytes.IndexByte(text[:at], ' ') >= 0
}

// isPlainIdentity tells whether a text begins and ends with what is neither white space
// nor a part of a merge tag, as almost all do.
func isPlainIdentity(raw []byte) bool {
	return isPlainEnd(raw[0]) && isPlainEnd(raw[len(raw)-1]) && bytes.IndexByte(raw, '\\') < 0
}

func isPlainEnd(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_'
}

// isSpace also knows the spaces that have no width.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' || r == '\u2060'
}

// trimmedKey is the write key without the white space around it, which no key has.
func trimmedKey(text []byte) (key []byte, trimmed bool) {
	if len(text) == 0 || isPlainEnd(text[0]) && isPlainEnd(text[len(text)-1]) {
		return text, false
	}
	key = bytes.TrimFunc(text, isSpace)
	return key, len(key) != len(text)
}

// appendIdentity appends the userId or, without one, the anonymousId.
func (c *call) appendIdentity(dst []byte) []byte {
	for _, f := range [...]layout.Field{layout.UserID, layout.AnonymousID} {
		if !c.names(f) {
			continue
		}
		if m := c.member(f); m.Kind != '"' {
			return append(dst, m.Value.Of(c.object)...) // a number, as it is published
		}
		return append(dst, c.identity(f).text...)
	}
	return dst
}
