// SPDX-License-Identifier: Apache-2.0

package pixel

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

// failure is a reason together with what helps to find the cause. Its detail
// holds offsets and names of the specification, never a part of the payload.
type failure struct {
	reason Reason
	detail string
}

func (f failure) failed() bool { return f.reason != Accepted }

// span is a part of a text, by default of the scanned object.
type span struct{ start, end int32 }

func (s span) of(text []byte) []byte { return text[s.start:s.end] }

func (s span) len() int { return int(s.end - s.start) }

// member is one name and value on an object's first level.
type member struct {
	field field
	kind  jsontext.Kind
	name  span // with its quotes
	value span
}

// present tells whether the member was seen and holds more than null, which
// many encoders write where they have nothing to say.
func (m *member) present() bool { return m.kind != 0 && m.kind != 'n' }

// layout is where things stand in an object that has been scanned. It is reused,
// so that a scan allocates nothing.
type layout struct {
	members []member
	known   [fieldCount]member // by field; kind is 0 where it is absent
	context contextLayout
}

// contextLayout is what the envelope has to know of the client's context.
type contextLayout struct {
	empty                  bool
	ip, userAgent, library bool
	page                   member
	pageEmpty, pageHasURL  bool
}

// note takes the name of one of the context's members, and tells whether it is that
// of the page, which has members of interest.
func (c *contextLayout) note(name []byte) (isPage bool) {
	c.empty = false
	switch string(name) {
	case "ip":
		c.ip = true
	case "userAgent":
		c.userAgent = true
	case "library":
		c.library = true
	case "page":
		return true
	}
	return false
}

// scanner walks a JSON text once, strictly. A text in which the validator does not
// find all good is walked again by the JSON decoder, whose word is final.
type scanner struct {
	decoder *jsontext.Decoder
	input   bytes.Buffer
	layout  layout
	name    []byte
	names   []span // memory of the validator
}

// scan validates that text is one JSON object and notes where its first level
// stands. The order of the checks is the order of the reasons.
func (s *scanner) scan(text []byte) failure {
	if s.scanGood(text, true) {
		return failure{}
	}
	s.begin(text)
	return s.scanBegun(text)
}

// scanOwn scans what we have written ourselves. To look for repeated names would be
// half of the work where there are many.
func (s *scanner) scanOwn(text []byte) failure {
	if s.scanGood(text, false) {
		return failure{}
	}
	s.begin(text, allowRepeated...)
	return s.scanBegun(text)
}

// allowRepeated is for texts in which no name is repeated, as we know.
var allowRepeated = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

// begin has the decoder read a text from its beginning.
func (s *scanner) begin(text []byte, options ...jsontext.Options) {
	s.input = *bytes.NewBuffer(text)
	if s.decoder == nil {
		s.decoder = jsontext.NewDecoder(&s.input, options...)
	} else {
		s.decoder.Reset(&s.input, options...)
	}
}

func (s *scanner) scanBegun(text []byte) failure {
	s.layout.reset()
	if kind := s.decoder.PeekKind(); kind != '{' && kind != 0 {
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
	return failure{}
}

var (
	tooDeep     = failure{TooDeep, fmt.Sprintf("more than %d levels", MaxDepth)}
	errLeftover = errors.New("something follows the object")
)

func (l *layout) reset() {
	l.members = l.members[:0]
	l.known = [fieldCount]member{}
	l.context = contextLayout{}
}

// object reads the whole object, noting each member of its first level.
func (s *scanner) object() error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return err
	}
	for s.decoder.PeekKind() == '"' {
		var m member
		var err error
		if m.field, m.name, err = s.readName(); err != nil {
			return err
		}
		if m.kind = s.decoder.PeekKind(); m.field == fieldContext && m.kind == '{' {
			m.value, err = s.contextObject()
		} else {
			m.value, err = s.readValue()
		}
		if err != nil {
			return err
		}
		s.layout.members = append(s.layout.members, m)
		s.layout.known[m.field] = m
	}
	_, err := s.decoder.ReadToken()
	return err
}

// contextObject reads the client's context, noting which of our members it has.
func (s *scanner) contextObject() (span, error) {
	ctx := &s.layout.context
	ctx.empty = true
	return s.nested(func(name []byte) error {
		if !ctx.note(name) {
			return s.decoder.SkipValue()
		}
		ctx.page.kind = s.decoder.PeekKind()
		var err error
		if ctx.page.kind == '{' {
			ctx.page.value, err = s.pageObject()
		} else {
			ctx.page.value, err = s.readValue()
		}
		return err
	})
}

func (s *scanner) pageObject() (span, error) {
	ctx := &s.layout.context
	ctx.pageEmpty = true
	return s.nested(func(name []byte) error {
		ctx.pageEmpty = false
		if string(name) == "url" {
			ctx.pageHasURL = true
		}
		return s.decoder.SkipValue()
	})
}

// nested reads an object below the first level; value has to read what follows
// each name.
func (s *scanner) nested(value func(name []byte) error) (span, error) {
	if _, err := s.decoder.ReadToken(); err != nil {
		return span{}, err
	}
	start := s.offset() - 1
	for s.decoder.PeekKind() == '"' {
		raw, err := s.decoder.ReadValue()
		if err != nil {
			return span{}, err
		}
		if err := value(s.unquote(raw)); err != nil {
			return span{}, err
		}
	}
	_, err := s.decoder.ReadToken()
	return span{start, s.offset()}, err
}

func (s *scanner) readName() (field, span, error) {
	raw, err := s.decoder.ReadValue()
	if err != nil {
		return fieldOther, span{}, err
	}
	return fieldOf(s.unquote(raw)), s.behind(raw), nil
}

func (s *scanner) readValue() (span, error) {
	raw, err := s.decoder.ReadValue()
	return s.behind(raw), err
}

// offset is where the decoder stands. No request line is longer than an int32
// counts.
func (s *scanner) offset() int32 { return int32(s.decoder.InputOffset()) }

// behind is the span of what has just been read.
func (s *scanner) behind(raw []byte) span { return span{s.offset() - int32(len(raw)), s.offset()} }

// unquote returns the text of a JSON string that has been validated. The result
// is good until the next call.
func (s *scanner) unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	s.name, _ = jsontext.AppendUnquote(s.name[:0], raw)
	return s.name
}

func (s *scanner) nothingLeft() error {
	if _, err := s.decoder.ReadToken(); err != io.EOF {
		return errLeftover
	}
	return nil
}

// notObject tells JSON that is no object from text that is no JSON.
func (s *scanner) notObject(text []byte) failure {
	if err := s.decoder.SkipValue(); err != nil {
		return s.explain(text, err)
	}
	if err := s.nothingLeft(); err != nil {
		return s.explain(text, err)
	}
	return failure{NotObject, "the payload is JSON, but not an object"}
}

// explain finds the reason for an error of the JSON decoder. The decoder's own
// text is not used: it quotes the payload.
func (s *scanner) explain(text []byte, err error) failure {
	whole := text[:len(text)-brokenTail(text)]
	at := s.decoder.InputOffset()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF,
		len(whole) < len(text) && utf8.Valid(whole):
		return failure{Truncated, fmt.Sprintf("the JSON ends early, after %d bytes", len(text))}
	case !utf8.Valid(text):
		return failure{NotUTF8, fmt.Sprintf("invalid UTF-8 at byte %d", invalidAt(text))}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return failure{BadJSON, fmt.Sprintf("a name is repeated after byte %d", at)}
	case errors.Is(err, errLeftover):
		return failure{BadJSON, fmt.Sprintf("something follows the value that ends before byte %d", at)}
	case nestsDeeper(text, decoderDepth-1):
		return tooDeep
	default:
		return failure{BadJSON, fmt.Sprintf("no valid JSON after byte %d", at)}
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

func invalidAt(text []byte) int {
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
