// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// validator walks one JSON object and notes its layout, in one pass and without a
// token for each step. It knows good texts only: for what it does not take, which
// may still be good, the JSON decoder is asked, and that one also finds the reason
// where there is one. So it has to be as strict as the decoder, but need not be as
// complete.
type validator struct {
	text   []byte
	Object *Object
	names  []Span // of the objects that are open, those of the innermost last
	unique bool   // whether to look for repeated names
}

// notGood is returned in place of the position behind what was read.
const notGood = -1

// maxNames is how many names an object may have until it is left to the JSON
// decoder, which looks them up in a map. Fewer are compared one by one.
const maxNames = 64

// place tells which members of an object are of interest.
type place uint8

const (
	elsewhere place = iota
	inEvent
	inContext
	inPage
)

// scanGood tells whether text is one JSON object, and notes its layout if it is.
// Where it says no, scanBegun has the last word.
func (s *Scanner) scanGood(text []byte, unique bool) bool {
	s.Object.reset()
	v := validator{text: text, Object: &s.Object, names: s.names[:0], unique: unique}
	start := v.skipBlank(0)
	if v.at(start) != '{' {
		return false
	}
	end := v.object(start, 1, inEvent)
	s.names = v.names
	return end != notGood && v.skipBlank(end) == len(text)
}

// at returns a byte of the text, or zero behind its end. Outside of strings, no
// JSON has a zero.
func (v *validator) at(i int) byte {
	if uint(i) < uint(len(v.text)) {
		return v.text[i]
	}
	return 0
}

// skipBlank returns the position of the next byte that is no white space. There is
// hardly ever any, which one comparison finds out.
func (v *validator) skipBlank(i int) int {
	for i < len(v.text) && v.text[i] <= ' ' && (v.text[i] == ' ' || IsLineSpace(v.text[i])) {
		i++
	}
	return i
}

// value reads the value that begins at i. It recurses no deeper than MaxDepth.
func (v *validator) value(i, depth int, in place) int {
	switch v.at(i) {
	case '"':
		return endOfText(v.text, i+1)
	case '{':
		return v.object(i, depth+1, in)
	case '[':
		return v.array(i, depth+1)
	case 't':
		return v.literal(i, "true")
	case 'f':
		return v.literal(i, "false")
	case 'n':
		return v.literal(i, "null")
	default:
		return v.number(i)
	}
}

// object reads an object, whose bracket stands at i.
func (v *validator) object(i, depth int, in place) int {
	if depth > MaxDepth {
		return notGood
	}
	if in != elsewhere {
		v.open(in)
	}
	if i = v.skipBlank(i + 1); v.at(i) == '}' {
		return i + 1
	}
	own, seen := len(v.names), uint64(0)
	for v.at(i) == '"' {
		end := endOfName(v.text, i+1)
		if end == notGood {
			return notGood
		}
		name := Span{int32(i), int32(end)}
		if v.unique {
			if seen = v.remember(name, own, seen); seen == 0 {
				return notGood
			}
		}
		if i = v.skipBlank(end); v.at(i) != ':' {
			return notGood
		}
		i = v.skipBlank(i + 1)
		if in == elsewhere {
			i = v.value(i, depth, elsewhere)
		} else {
			i = v.notedValue(name, i, depth, in)
		}
		if i == notGood {
			return notGood
		}
		switch i = v.skipBlank(i); v.at(i) {
		case ',':
			i = v.skipBlank(i + 1)
		case '}':
			v.names = v.names[:own]
			return i + 1
		default:
			return notGood
		}
	}
	return notGood
}

// remember notes a name of the object whose names begin at own. The bits of seen
// stand for names that the object has: only for one whose bit is set is it compared
// with the others. The result is seen with the bit of this name, or zero if the
// name is repeated or there are too many.
func (v *validator) remember(name Span, own int, seen uint64) uint64 {
	text := name.Of(v.text)
	// The quotes are part of the text, so that these two are there in any case.
	first, last := text[1], text[len(text)-2]
	bit := uint64(1) << ((5*first + 11*last + 23*byte(len(text))) % 64)
	if seen&bit != 0 {
		for _, other := range v.names[own:] {
			if other.Len() == name.Len() && bytes.Equal(other.Of(v.text), text) {
				return 0
			}
		}
	}
	if len(v.names)-own >= maxNames {
		return 0
	}
	v.names = append(v.names, name)
	return seen | bit
}

// array reads an array, whose bracket stands at i.
func (v *validator) array(i, depth int) int {
	if depth > MaxDepth {
		return notGood
	}
	if i = v.skipBlank(i + 1); v.at(i) == ']' {
		return i + 1
	}
	for {
		if i = v.value(i, depth, elsewhere); i == notGood {
			return notGood
		}
		switch i = v.skipBlank(i); v.at(i) {
		case ',':
			i = v.skipBlank(i + 1)
		case ']':
			return i + 1
		default:
			return notGood
		}
	}
}

// open notes that an object of interest begins. It is empty until a member comes.
func (v *validator) open(in place) {
	switch in {
	case inContext:
		v.Object.Context.Empty = true
	case inPage:
		v.Object.Context.PageEmpty = true
	}
}

// notedValue reads the value of a member that is of interest and notes the member.
func (v *validator) notedValue(name Span, i, depth int, in place) int {
	text := name.Of(v.text)
	text = text[1 : len(text)-1]
	kind := kindOf(v.at(i))
	ctx := &v.Object.Context
	switch in {
	case inEvent:
		return v.eventMember(Member{Field: FieldOf(text), Kind: kind, Name: name}, i, depth)
	case inContext:
		if ctx.note(text) {
			end := v.value(i, depth, inPage)
			ctx.Page.Kind, ctx.Page.Value = kind, Span{int32(i), int32(end)}
			return end
		}
	case inPage:
		ctx.PageEmpty = false
		if string(text) == "url" {
			ctx.PageHasURL = true
		}
	}
	return v.value(i, depth, elsewhere)
}

// eventMember reads the value of a member of the first level.
func (v *validator) eventMember(m Member, i, depth int) int {
	in := elsewhere
	if m.Field == Context {
		in = inContext
	}
	end := v.value(i, depth, in)
	m.Value = Span{int32(i), int32(end)}
	v.Object.Members = append(v.Object.Members, m)
	v.Object.Known[m.Field] = m
	return end
}

// kindOf is the kind of the value that begins with c, if one does.
func kindOf(c byte) jsontext.Kind {
	if c == '-' || '0' <= c && c <= '9' {
		return jsontext.KindNumber
	}
	return jsontext.Kind(c)
}
