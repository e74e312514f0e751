// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/mend"
)

// queryMender mends a query.
type queryMender struct {
	strict  Reason // why the strict reading failed; Accepted if it did not
	cut     bool   // something was cut off data
	repairs Repair
	data    string // the raw value of data
	object  []byte // what data holds, if it had to be mended
	fields  []rawPair

	ws *workspace // its scanner and its memory
}

// rawPair is a parameter that is still percent-encoded.
type rawPair struct{ name, value string }

const dataName = "data"

// read splits a query into data and fields.
func (m *queryMender) read(query string) {
	query = m.unescapeWhole(query)
	if rest := trimQuestionMarks(query); rest != query {
		query = rest
		m.repairs |= RepairedSecondQuery
	}
	if strings.IndexByte(query, ';') >= 0 {
		if text, changed := mend.QueryReferences(query); changed && strings.ReplaceAll(query, "&amp;", "&") != text {
			query = text
			m.repairs |= RepairedHTML
		}
	}
	// One of them is data, as a rule.
	m.fields = make([]rawPair, 0, strings.Count(query, "&"))
	for query != "" {
		var p rawPair
		p.name, p.value, query = encoding.NextPair(query)
		if p.name == "" && p.value == "" {
			continue
		}
		m.add(p)
	}
	isData := func(p rawPair) bool { return p.value != "" && strings.EqualFold(p.name, dataName) }
	if i := slices.IndexFunc(m.fields, isData); m.data == "" && i >= 0 { // in another letter case
		m.data = m.fields[i].value
		m.fields = slices.Delete(m.fields, i, i+1)
	}
	m.findData()
	m.stripMailEquals()
	for i := range m.fields {
		m.mendField(&m.fields[i])
	}
}

// add takes a parameter, the first of those that are data as such.
func (m *queryMender) add(p rawPair) {
	if m.data == "" && p.name == dataName && p.value != "" {
		m.data = p.value
		return
	}
	m.fields = append(m.fields, p)
}

// unescapeWhole undoes the percent-encoding of a query that was encoded as a whole, or
// from somewhere on. It then has no data and no write key that a name says so of.
func (m *queryMender) unescapeWhole(query string) string {
	if hasPixelName(query) || strings.IndexByte(query, '%') < 0 {
		return query
	}
	text := []byte(query)
	for range mostWrappings {
		text, _, _ = mend.Escaping(text)
		if hasPixelName(string(text)) {
			m.repairs |= RepairedEscaping
			return string(text)
		}
	}
	return query
}

// hasPixelName tells whether a parameter is data or a write key.
func hasPixelName(query string) bool {
	query = strings.TrimLeft(query, "?")
	for query != "" {
		var name, value string
		name, value, query = encoding.NextPair(query)
		name = strings.TrimPrefix(name, "amp;")
		if value != "" && (strings.EqualFold(name, dataName) || strings.EqualFold(name, "writeKey")) {
			return true
		}
	}
	return false
}

// trimQuestionMarks drops question marks in front, escaped or not.
func trimQuestionMarks(query string) string {
	for {
		rest := strings.TrimPrefix(strings.TrimPrefix(query, "?"), "%3F")
		if rest == query {
			return query
		}
		query = rest
	}
}

// findData looks for data and a write key behind a second question mark if there are none,
// and for parameters behind one that is in data or in the write key.
func (m *queryMender) findData() {
	cuts := 0 // Each looks at all that is left, and is rare enough as it is.
	for i := 0; i < len(m.fields) && cuts < mostWrappings; i++ {
		p := &m.fields[i]
		value, rest, by := cutSecondQuery(p.value)
		if by == 0 || !strings.EqualFold(p.name, keyName) && (by == '&' || m.data != "" || !beginsAsPixel(rest)) {
			continue
		}
		p.value = value
		m.addQuery(rest, by)
		cuts++
	}
	if value, rest, by := cutSecondQuery(m.data); by != 0 {
		m.data, m.cut = value, true
		m.addQuery(rest, by)
	}
}

// beginsAsPixel tells whether the first parameter of a query is data or a write key.
func beginsAsPixel(query string) bool {
	name, _, _ := strings.Cut(query, "=")
	return strings.EqualFold(name, dataName) || strings.EqualFold(name, keyName)
}

// addQuery adds what was cut off at a character.
func (m *queryMender) addQuery(query string, by byte) {
	if by == '&' {
		m.repairs |= RepairedEscaping
	} else {
		m.repairs |= RepairedSecondQuery
		if n := len(m.fields); n > 0 { // A fragment is behind all parameters.
			m.fields[n-1].value, _, _ = strings.Cut(m.fields[n-1].value, "#")
		}
	}
	query = strings.ReplaceAll(trimQuestionMarks(query), "?utm_", "&utm_")
	for query != "" {
		var p rawPair
		p.name, p.value, query = encoding.NextPair(query)
		if p.name != "" {
			m.add(p)
		}
	}
}

// cutSecondQuery cuts a raw value, above all that of data, where a second query or a
// fragment was appended to it, or the rest of the query was percent-encoded. None can be a
// part of base64; within the object itself, they are. It returns the character by which it
// was cut, or 0.
func cutSecondQuery(raw string) (value, rest string, by byte) {
	if !strings.ContainsAny(raw, "?#%") {
		return raw, "", 0
	}
	for i := lastBrace(raw); i < len(raw); i++ {
		c, size := encoding.UnescapeByte(raw[i:])
		if c != '?' && c != '#' && c != '&' || c == '#' && isInReference(raw[i+size:]) || c == '&' && isReference(raw[i+size:]) {
			i += size - 1
			continue
		}
		value, rest = raw[:i], raw[i+size:]
		if size > 1 {
			text, _, _ := mend.Escaping([]byte(rest))
			rest = string(text)
		}
		if c == '#' {
			return value, "", c
		}
		rest, _, _ = strings.Cut(rest, "#")
		return value, rest, c
	}
	return raw, "", 0
}

// isReference tells whether what follows an ampersand makes it the beginning of a
// character reference.
func isReference(rest string) bool {
	const longest = 10 // bytes of its name
	end := strings.IndexAny(rest[:min(len(rest), longest)], ";=&%")
	return end > 0 && (rest[end] == ';' || strings.HasPrefix(rest[end:], "%3B") || strings.HasPrefix(rest[end:], "%23"))
}

// lastBrace is where the last closing brace of an object begins, escaped or not, and 0 if
// there is none, as in base64.
func lastBrace(raw string) int {
	for i := len(raw) - 1; i > 0; i-- {
		switch raw[i] {
		case '}':
			return i
		case 'D', 'd':
			if strings.HasSuffix(raw[:i], "%7") {
				return i - len("%7")
			}
		}
	}
	return 0
}

// isInReference tells whether what follows a # makes it a part of a character reference
// such as &#61; and no fragment.
func isInReference(rest string) bool {
	const longest = 8 // digits
	for n := range longest {
		if rest == "" {
			return false
		}
		c, size := encoding.UnescapeByte(rest)
		switch {
		case c == ';':
			return n > 0
		case !encoding.IsHex(c) && c|0x20 != 'x':
			return false
		}
		rest = rest[size:]
	}
	return false
}

// stripMailEquals drops the 3D that quoted-printable has put in front of every value: it
// is what is left of "=3D". One value that is without shows that this is no mail.
func (m *queryMender) stripMailEquals() {
	if len(m.fields) == 0 || m.data != "" && !strings.HasPrefix(m.data, encoding.EqualsOfMail) {
		return
	}
	for _, p := range m.fields {
		if !strings.HasPrefix(p.value, encoding.EqualsOfMail) {
			return
		}
	}
	for i := range m.fields {
		m.fields[i].value = mend.MailField(m.fields[i].value[len(encoding.EqualsOfMail):])
	}
	m.repairs |= RepairedBase64
}

// mendField brings a field into UTF-8.
func (m *queryMender) mendField(p *rawPair) {
	for _, part := range [...]*string{&p.name, &p.value} {
		if strings.IndexByte(*part, '%') < 0 && utf8.ValidString(*part) || isRawTag(*part) {
			continue
		}
		text, _, wide := mend.Escaping(bytes.ReplaceAll([]byte(*part), []byte("+"), []byte("%20")))
		changed := wide
		if !utf8.Valid(text) {
			text, changed = mend.Charset(text)
		}
		if changed {
			*part = string(mend.AppendEscaped(nil, string(text)))
			m.repairs |= RepairedCharset
		}
	}
}

// write returns the query as a sender should have written it.
func (m *queryMender) write() string {
	size := base64.RawURLEncoding.EncodedLen(len(m.object)) + len(m.data)
	for _, p := range m.fields {
		size += len(p.name) + len(p.value) + len("&=")
	}
	var b strings.Builder
	b.Grow(size + len("data="))
	pair := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(value)
	}
	switch {
	case m.object != nil:
		pair(dataName, base64.RawURLEncoding.EncodeToString(m.object))
	case m.data != "":
		pair(dataName, m.data)
	}
	for _, p := range m.fields {
		pair(p.name, p.value)
	}
	return b.String()
}
