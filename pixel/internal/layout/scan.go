// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how many levels an object may nest, the object itself being the
// first.
const MaxDepth = 64

// Span is a part of a text, by default of the scanned object.
type Span struct{ Start, End int32 }

// Of returns the part of the text.
func (s Span) Of(text []byte) []byte { return text[s.Start:s.End] }

// Len is the length of the part, in bytes.
func (s Span) Len() int { return int(s.End - s.Start) }

// Member is one name and value on an object's first level.
type Member struct {
	Field Field
	Kind  jsontext.Kind
	Name  Span // with its quotes
	Value Span
}

// Present tells whether the member was seen and holds more than null, which
// many encoders write where they have nothing to say.
func (m *Member) Present() bool { return m.Kind != 0 && m.Kind != 'n' }

// Object is where things stand in an object that has been scanned. It is reused,
// so that a scan allocates nothing.
type Object struct {
	Members []Member
	Known   [fieldCount]Member // by field; kind is 0 where it is absent
	Context ContextLayout
}

// ContextLayout is what the envelope has to know of the client's context.
type ContextLayout struct {
	Empty                  bool
	IP, UserAgent, Library bool
	Fetch                  bool
	Page                   Member
	PageEmpty, PageHasURL  bool
}

// note takes the name of one of the context's members, and tells whether it is that
// of the page, which has members of interest.
func (c *ContextLayout) note(name []byte) (isPage bool) {
	c.Empty = false
	switch string(name) {
	case "ip":
		c.IP = true
	case "userAgent":
		c.UserAgent = true
	case "library":
		c.Library = true
	case "fetch":
		c.Fetch = true
	case "page":
		return true
	}
	return false
}

// Scanner walks a JSON text once, strictly. A text in which the validator does not
// find all good is walked again by the JSON decoder, whose word is final.
type Scanner struct {
	Decoder *jsontext.Decoder
	input   bytes.Buffer
	Object  Object
	name    []byte
	names   []Span // memory of the validator
}

// Scan validates that text is one JSON object and notes where its first level
// stands. The order of the checks is the order of the reasons.
func (s *Scanner) Scan(text []byte) Fault {
	if s.scanGood(text, true) {
		return Fault{}
	}
	s.Begin(text)
	return s.scanBegun(text)
}

// ScanOwn scans what we have written ourselves. To look for repeated names would be
// half of the work where there are many.
func (s *Scanner) ScanOwn(text []byte) Fault {
	if s.scanGood(text, false) {
		return Fault{}
	}
	s.Begin(text, AllowRepeated...)
	return s.scanBegun(text)
}

// AllowRepeated is for texts in which no name is repeated, as we know.
var AllowRepeated = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

// Begin has the decoder read a text from its beginning.
func (s *Scanner) Begin(text []byte, options ...jsontext.Options) {
	s.input = *bytes.NewBuffer(text)
	if s.Decoder == nil {
		s.Decoder = jsontext.NewDecoder(&s.input, options...)
	} else {
		s.Decoder.Reset(&s.input, options...)
	}
}

func (s *Scanner) scanBegun(text []byte) Fault {
	s.Object.reset()
	if kind := s.Decoder.PeekKind(); kind != '{' && kind != 0 {
		return s.notObject(text)
	}
	if err := s.object(); err != nil {
		return s.explain(text, err)
	}
	if err := s.nothingLeft(); err != nil {
		return s.explain(text, err)
	}
	if nestsDeeper(text, MaxDepth) {
		return tooDeep
	}
	return Fault{}
}

var (
	tooDeep     = Fault{NestsTooDeep, fmt.Sprintf("more than %d levels", MaxDepth)}
	errLeftover = errors.New("something follows the object")
)

func (l *Object) reset() {
	l.Members = l.Members[:0]
	l.Known = [fieldCount]Member{}
	l.Context = ContextLayout{}
}

// object reads the whole object, noting each member of its first level.
func (s *Scanner) object() error {
	if _, err := s.Decoder.ReadToken(); err != nil {
		return err
	}
	for s.Decoder.PeekKind() == '"' {
		var m Member
		var err error
		if m.Field, m.Name, err = s.readName(); err != nil {
			return err
		}
		if m.Kind = s.Decoder.PeekKind(); m.Field == Context && m.Kind == '{' {
			m.Value, err = s.contextObject()
		} else {
			m.Value, err = s.readValue()
		}
		if err != nil {
			return err
		}
		s.Object.Members = append(s.Object.Members, m)
		s.Object.Known[m.Field] = m
	}
	_, err := s.Decoder.ReadToken()
	return err
}

// contextObject reads the client's context, noting which of our members it has.
func (s *Scanner) contextObject() (Span, error) {
	ctx := &s.Object.Context
	ctx.Empty = true
	return s.nested(func(name []byte) error {
		if !ctx.note(name) {
			return s.Decoder.SkipValue()
		}
		ctx.Page.Kind = s.Decoder.PeekKind()
		var err error
		if ctx.Page.Kind == '{' {
			ctx.Page.Value, err = s.pageObject()
		} else {
			ctx.Page.Value, err = s.readValue()
		}
		return err
	})
}

func (s *Scanner) pageObject() (Span, error) {
	ctx := &s.Object.Context
	ctx.PageEmpty = true
	return s.nested(func(name []byte) error {
		ctx.PageEmpty = false
		if string(name) == "url" {
			ctx.PageHasURL = true
		}
		return s.Decoder.SkipValue()
	})
}

// nested reads an object below the first level; value has to read what follows
// each name.
func (s *Scanner) nested(value func(name []byte) error) (Span, error) {
	if _, err := s.Decoder.ReadToken(); err != nil {
		return Span{}, err
	}
	start := s.offset() - 1
	for s.Decoder.PeekKind() == '"' {
		raw, err := s.Decoder.ReadValue()
		if err != nil {
			return Span{}, err
		}
		if err := value(s.Unquote(raw)); err != nil {
			return Span{}, err
		}
	}
	_, err := s.Decoder.ReadToken()
	return Span{start, s.offset()}, err
}

func (s *Scanner) readName() (Field, Span, error) {
	raw, err := s.Decoder.ReadValue()
	if err != nil {
		return Other, Span{}, err
	}
	return FieldOf(s.Unquote(raw)), s.behind(raw), nil
}

func (s *Scanner) readValue() (Span, error) {
	raw, err := s.Decoder.ReadValue()
	return s.behind(raw), err
}

// offset is where the decoder stands. No request line is longer than an int32
// counts.
func (s *Scanner) offset() int32 { return int32(s.Decoder.InputOffset()) }

// StoppedAt is where the decoder came to when a text turned out to be no JSON.
func (s *Scanner) StoppedAt() int { return int(s.Decoder.InputOffset()) }

// behind is the span of what has just been read.
func (s *Scanner) behind(raw []byte) Span { return Span{s.offset() - int32(len(raw)), s.offset()} }

// Unquote returns the text of a JSON string that has been validated. The result
// is good until the next call.
func (s *Scanner) Unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	s.name, _ = jsontext.AppendUnquote(s.name[:0], raw)
	return s.name
}

func (s *Scanner) nothingLeft() error {
	if _, err := s.Decoder.ReadToken(); err != io.EOF {
		return errLeftover
	}
	return nil
}

// notObject tells JSON that is no object from text that is no JSON.
func (s *Scanner) notObject(text []byte) Fault {
	if err := s.Decoder.SkipValue(); err != nil {
		return s.explain(text, err)
	}
	if err := s.nothingLeft(); err != nil {
		return s.explain(text, err)
	}
	return Fault{IsNotObject, "the payload is JSON, but not an object"}
}

// explain finds the reason for an error of the JSON decoder. The decoder's own
// text is not used: it quotes the payload.
func (s *Scanner) explain(text []byte, err error) Fault {
	whole := text[:len(text)-brokenTail(text)]
	at := s.Decoder.InputOffset()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF,
		len(whole) < len(text) && utf8.Valid(whole):
		return Fault{EndsEarly, fmt.Sprintf("the JSON ends early, after %d bytes", len(text))}
	case !utf8.Valid(text):
		return Fault{IsNotUTF8, fmt.Sprintf("invalid UTF-8 at byte %d", InvalidAt(text))}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return Fault{IsNotJSON, fmt.Sprintf("a name is repeated after byte %d", at)}
	case errors.Is(err, errLeftover):
		return Fault{IsNotJSON, fmt.Sprintf("something follows the value that ends before byte %d", at)}
	case nestsDeeper(text, decoderDepth-1):
		return tooDeep
	default:
		return Fault{IsNotJSON, fmt.Sprintf("no valid JSON after byte %d", at)}
	}
}

// decoderDepth is where the JSON decoder itself gives up.
const decoderDepth = 10_000

// brokenTail is the length of a multi-byte character that is cut off at the end
// of text.
func brokenTail(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// InvalidAt returns where a text stops being UTF-8, or its length.
func InvalidAt(text []byte) int {
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// nestsDeeper tells whether the objects and arrays of a JSON text nest deeper
// than so many levels. Few payloads have so many brackets at all, which is
// counted first.
func nestsDeeper(text []byte, levels int) bool {
	if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= levels {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i+1)
		case '{', '[':
			if depth++; depth > levels {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// endOfString returns where the quotation mark stands that ends a string, or the
// length of the text.
func endOfString(text []byte, i int) int {
	for {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return len(text)
		}
		end := i + n
		backslashes := 0
		for end-backslashes > i && text[end-backslashes-1] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return end
		}
		i = end + 1
	}
}

// Size is about the bytes that the scanner holds.
func (s *Scanner) Size() int {
	const memberSize, spanSize = 40, 8
	return memberSize*cap(s.Object.Members) + spanSize*cap(s.names)
}

// IsLineSpace tells whether a byte ends or indents a line.
func IsLineSpace(c byte) bool { return c == '\r' || c == '\n' || c == '\t' }
