// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/mend"
)

// mostWrappings is how often something may have been encoded more than it should be.
const mostWrappings = 2

// mendData finds the object in data. It tells whether that is there; without data,
// there is nothing to be found.
func (m *queryMender) mendData() bool {
	if m.data == "" {
		return true
	}
	if m.cut && strings.IndexByte(m.data, '?') >= 0 && strings.IndexByte(m.data, '{') < 0 && !strings.Contains(m.data, "%7") {
		return false // What is behind the second question mark has another, and is no object.
	}
	if m.cut || m.repairs != 0 || !m.strict.isOfPayload() { // otherwise it is known
		if _, fail := m.ws.readData(m.data); !fail.failed() {
			if !mend.IsWide(m.data) && !m.ws.suspect {
				return true // as it stands, once what had been appended to it was cut off
			}
		} else if fail.reason == NoData {
			return len(m.fields) > 0
		}
	}
	if object, repairs, ok, known := m.fromPlainBase64(); known {
		m.object = object
		m.repairs |= repairs
		return ok
	}
	object, repairs, ok := m.fromBytes()
	if !ok {
		m.ws.text = encoding.AppendMarked(m.ws.text[:0], encoding.TrimCutEscape(m.data), false)
		object, repairs, ok = m.fromText(m.ws.text)
	}
	if !ok {
		return false
	}
	m.object = object
	m.repairs |= repairs
	return true
}

// fromBytes reads data that is the object itself in a charset in which two bytes, or two
// escapes, are more than each for itself.
func (m *queryMender) fromBytes() ([]byte, Repair, bool) {
	text := encoding.AppendUnescaped(nil, m.data)
	if utf, changed := mend.UTF16(text); changed {
		return m.fromObject(utf, RepairedCharset)
	}
	if mend.IsWide(m.data) {
		text, _, _ = mend.Escaping(bytes.ReplaceAll([]byte(m.data), []byte("+"), []byte("%20")))
		if isPlainJSON(text) {
			return m.fromObject(text, RepairedCharset)
		}
	}
	return nil, 0, false
}

// fromPlainBase64 reads data that is base64 and can be nothing else.
func (m *queryMender) fromPlainBase64() (object []byte, repairs Repair, ok, known bool) {
	decoded, _, end := encoding.AppendBase64(m.ws.decoded[:0], m.data)
	m.ws.decoded = decoded
	if end != encoding.Whole || !encoding.HasOneReading(m.data) {
		return nil, 0, false, false
	}
	object, repairs, ok = m.fromPayload(decoded, 0, mostWrappings)
	return object, repairs, ok, true
}

// mendedText is what has been made of data so far, and how.
type mendedText struct {
	text    []byte
	repairs Repair
}

func (t *mendedText) apply(repair Repair, f func([]byte) ([]byte, bool)) bool {
	rest, changed := f(t.text)
	if changed {
		t.text = rest
		t.repairs |= repair
	}
	return changed
}

// fromText reads data as it is behind percent-encoding: the object itself, or base64.
func (m *queryMender) fromText(text []byte) ([]byte, Repair, bool) {
	t := mendedText{text: text}
	for range mostWrappings + 1 {
		if inner, ok := mend.Unquoted(t.text); ok {
			inner = plusAsSpace(inner)
			if object, repairs, ok := m.fromPayload(inner, t.repairs|RepairedJSON, mostWrappings); ok {
				return object, repairs, true
			}
		}
		if !isPlainJSON(t.text) {
			// Before the end of a reference is taken for that of a sentence, and as some
			// are invisible.
			t.apply(RepairedHTML, mend.References)
			t.apply(RepairedInvisible, mend.Invisible)
		}
		if m.strict != NotObject { // the brackets of an array are its own
			t.apply(RepairedWrapping, mend.Wrapping)
		}
		if isPlainJSON(t.text) {
			if object, repairs, ok := m.fromObject(plusAsSpace(t.text), t.repairs); ok {
				return object, repairs, true
			}
			return nil, 0, false
		}
		if !t.apply(RepairedEscaping, unescape) {
			break
		}
	}
	return m.fromBase64(&t, mostWrappings)
}

func unescape(text []byte) ([]byte, bool) {
	rest, changed, _ := mend.Escaping(text)
	return rest, changed
}

func plusAsSpace(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte{encoding.LostPlus}, []byte(" "))
}

// fromBase64 tries the two ways to read an equals sign within the text.
func (m *queryMender) fromBase64(t *mendedText, wrappings int) ([]byte, Repair, bool) {
	text := encoding.TrimBase64(t.text)
	for _, escapes := range [...]bool{true, false} {
		if bytes.IndexByte(text, '=') >= 0 {
			text = mend.SoftBreaks(text, escapes)
		} else if !escapes {
			break // there is one way only
		}
		for _, as := range encoding.Readings {
			digits := encoding.AppendDigits(make([]byte, 0, len(text)), text, as)
			repairs := t.repairs
			if len(digits) != len(bytes.TrimRight(t.text, "=")) {
				repairs |= RepairedBase64
			}
			if object, repairs, ok := m.fromDigits(digits, repairs, wrappings); ok {
				return object, repairs, true
			}
			if !encoding.IsAmbiguous(text) {
				break
			}
		}
		text = encoding.TrimBase64(t.text)
	}
	return nil, 0, false
}

func (m *queryMender) fromDigits(digits []byte, repairs Repair, wrappings int) ([]byte, Repair, bool) {
	if endsAmiss(digits) {
		return nil, 0, false
	}
	decoded, _, end := encoding.AppendBase64(nil, digits)
	if end != encoding.Whole || len(digits) == 0 {
		return nil, 0, false
	}
	return m.fromPayload(decoded, repairs, wrappings)
}

// fromPayload reads what base64, or a text in JSON, has held.
func (m *queryMender) fromPayload(payload []byte, repairs Repair, wrappings int) ([]byte, Repair, bool) {
	if hasLostItsEnd(payload) {
		return nil, 0, false
	}
	if text, changed := mend.Charset(payload); changed {
		payload, repairs = text, repairs|RepairedCharset
	}
	text := bytes.TrimLeft(payload, " \t\r\n")
	if rest, found := bytes.CutPrefix(text, []byte(byteOrderMark)); found {
		text, repairs = bytes.TrimLeft(rest, " \t\r\n"), repairs|RepairedMark
	}
	switch {
	case len(text) == 0:
		return nil, 0, false
	case text[0] == '{':
		return m.fromObject(text, repairs)
	case wrappings == 0:
		return nil, 0, false
	}
	wrappings--
	if text[0] == '"' {
		inner, ok := mend.Unquoted(text)
		if !ok {
			fixed, changed := mend.JSON(text)
			if changed {
				inner, ok = mend.Unquoted(fixed)
			}
		}
		if ok {
			return m.fromPayload(inner, repairs|RepairedJSON, wrappings)
		}
	}
	if rest, changed := mend.References(text); changed {
		return m.fromPayload(rest, repairs|RepairedHTML, wrappings)
	}
	if rest, changed := unescape(text); changed {
		if bytes.IndexByte(text, ':') < 0 { // Where a colon was escaped, a plus sign was, too.
			rest, _ = unescape(bytes.ReplaceAll(text, []byte("+"), []byte("%20")))
		}
		return m.fromPayload(rest, repairs|RepairedEscaping, wrappings)
	}
	if isBase64InLines(text) {
		return m.fromBase64(&mendedText{text: text, repairs: repairs | RepairedBase64}, wrappings)
	}
	return nil, 0, false
}

// isBase64InLines tells whether there are only digits of base64, and line breaks.
func isBase64InLines(text []byte) bool {
	for line := range bytes.Lines(encoding.TrimBase64(text)) {
		if line = bytes.TrimRight(line, "\r\n"); encoding.LeadingDigits(line) != len(line) {
			return false
		}
	}
	return true
}

// fromObject mends what begins like an object.
func (m *queryMender) fromObject(text []byte, repairs Repair) ([]byte, Repair, bool) {
	t := mendedText{text: text, repairs: repairs}
	if mend.IsWide(text) {
		t.apply(RepairedCharset, unescape)
	}
	if !utf8.Valid(t.text) {
		t.apply(RepairedCharset, mend.Charset)
	}
	for {
		if m.isObject(t.text) {
			return t.text, t.repairs, true
		}
		if bytes.IndexByte(t.text, '}') >= 0 {
			if fixed, changed := mend.JSON(t.text); changed && m.isObject(fixed) {
				return fixed, t.repairs | RepairedJSON, true
			}
		}
		if t.repairs&(RepairedHTML|RepairedEscaping) != 0 ||
			!t.apply(RepairedHTML, mend.References) && !t.apply(RepairedEscaping, unescape) {
			return nil, 0, false
		}
	}
}

// endsAmiss tells by the first and the last digits of base64 whether what it holds has lost
// its end.
func endsAmiss(digits []byte) bool {
	const group, bytesOfGroup = 4, 3
	if len(digits) < 4*group {
		return false
	}
	var memory [4 * bytesOfGroup]byte
	ends, _, _ := encoding.AppendBase64(memory[:0], digits[:group])
	tail, _, end := encoding.AppendBase64(memory[len(ends):len(ends)], digits[(len(digits)-1)/group*group-group:])
	return end == encoding.Whole && hasLostItsEnd(append(ends, tail...))
}

// hasLostItsEnd tells whether a payload that begins as an object or a text does not end
// as one. It costs nothing, and nothing mends that.
func hasLostItsEnd(payload []byte) bool {
	rest := bytes.Trim(payload, " \t\r\n\x00")
	if len(rest) == 0 {
		return true
	}
	switch last := rest[len(rest)-1]; rest[0] {
	case '{':
		return last != '}'
	case '"':
		return last != '"'
	}
	return false
}

// isObject asks for a closing brace first: most of what cannot be read has lost its end,
// and nothing mends that.
func (m *queryMender) isObject(text []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(text, " \t\r\n"), []byte("}")) && !m.ws.scanner.Scan(text).Found()
}
