// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/params"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/shown"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

const (
	// MaxSafeURL is how many characters a URL may have to pass mail clients and
	// proxies unharmed.
	MaxSafeURL = 2000
	// MaxRequestLine is about how long a URL may be until Caddy refuses the request
	// unseen, with the other header fields that clients send: its max_header_size is
	// 16 KiB.
	MaxRequestLine = 15 << 10
)

// Composition is the query of a pixel that carries an object.
type Composition struct {
	// Query decodes to the object again, but for what Notes says.
	Query string
	// Notes are sentences on what the form cannot carry as it is.
	Notes []string
}

// Data writes a JSON object as base64 in the parameter data. It keeps all of
// it, but merge tags in it are out of reach of whoever fills them in.
func Data(object []byte) (*Composition, error) {
	text := jsontext.Value(bytes.Clone(object))
	if err := text.Compact(jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false)); err != nil {
		return nil, fmt.Errorf("the event is no strict JSON: %w", err)
	}
	if text.Kind() != '{' {
		return nil, errNoObject
	}
	c := &Composition{Query: "data=" + base64.RawURLEncoding.EncodeToString(text)}
	for _, tag := range mergetag.All(string(text)) {
		c.note("nobody can fill in the merge tag %s, because base64 hides it: use the form of fields", tag)
	}
	return c, nil
}

var errNoObject = errors.New("the event is no JSON object: write {...}")

// Fields writes a JSON object as one parameter for each text in it, with
// dotted names. Merge tags stay as they are. The parameters that a decoder ignores
// cannot be fields.
func Fields(object []byte, ignored map[string]struct{}) (*Composition, error) {
	f := fieldComposer{decoder: jsontext.NewDecoder(bytes.NewReader(object)), ignored: ignored}
	if kind := f.decoder.PeekKind(); kind != '{' && kind != 0 {
		return nil, errNoObject
	}
	if err := f.value("", 0); err != nil {
		return nil, err
	}
	if _, err := f.decoder.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the JSON object of the event: remove it")
	}
	f.Query = f.query.String()
	return &f.Composition, nil
}

// fieldComposer walks an object and writes its texts.
type fieldComposer struct {
	Composition
	query   strings.Builder
	decoder *jsontext.Decoder
	ignored map[string]struct{}
}

func (c *Composition) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// value writes the next value, which has this dotted name.
func (f *fieldComposer) value(name string, depth int) error {
	if depth > layout.MaxDepth {
		return fmt.Errorf("the event nests deeper than %d levels, below %s", layout.MaxDepth, shown.Name(name))
	}
	switch f.decoder.PeekKind() {
	case '{':
		return f.object(name, depth)
	case '[':
		return f.array(name, depth)
	}
	token, err := f.decoder.ReadToken()
	if err != nil {
		return fmt.Errorf("the event is no strict JSON: %w", err)
	}
	switch kind := token.Kind(); kind {
	case 'n':
		f.note("%s is null, which a field cannot be: it is left out", name)
		return nil
	case '"':
	default:
		f.note("%s is %s and becomes text", name, shown.Kind(kind))
	}
	f.text(name, token.String())
	return nil
}

func (f *fieldComposer) object(name string, depth int) error {
	if _, err := f.decoder.ReadToken(); err != nil {
		return err
	}
	members, positions := 0, true
	for f.decoder.PeekKind() == '"' {
		token, err := f.decoder.ReadToken()
		if err != nil {
			return fmt.Errorf("the event is no strict JSON: %w", err)
		}
		member := token.String()
		if err := f.checkName(member, name); err != nil {
			return err
		}
		// The decoder looks for exactly 0 to n-1, in any order.
		_, isNumber := params.Position([]byte(member))
		positions = positions && isNumber
		members++
		if err := f.value(joinName(name, member), depth+1); err != nil {
			return err
		}
	}
	if _, err := f.decoder.ReadToken(); err != nil {
		return fmt.Errorf("the event is no strict JSON: %w", err)
	}
	switch {
	case name == "":
	case members == 0:
		f.note("%s is an empty object, which has no field: it is left out", name)
	case positions:
		f.note("%s is an object whose names are numbers, and may become an array", name)
	}
	return nil
}

func (f *fieldComposer) array(name string, depth int) error {
	if _, err := f.decoder.ReadToken(); err != nil {
		return err
	}
	elements := 0
	for kind := f.decoder.PeekKind(); kind != ']' && kind != 0; kind = f.decoder.PeekKind() {
		if err := f.value(joinName(name, strconv.Itoa(elements)), depth+1); err != nil {
			return err
		}
		elements++
	}
	if _, err := f.decoder.ReadToken(); err != nil {
		return fmt.Errorf("the event is no strict JSON: %w", err)
	}
	if elements == 0 {
		f.note("%s is an empty array, which has no field: it is left out", name)
	}
	return nil
}

// checkName refuses a name that a parameter cannot have.
func (f *fieldComposer) checkName(member, parent string) error {
	full := joinName(parent, member)
	_, skipped := f.ignored[full]
	switch {
	case member == "":
		return fmt.Errorf("a name below %q is empty, which a field cannot be: use the form of data", parent)
	case strings.Contains(member, "."):
		return fmt.Errorf("the name %q has a dot, which separates names in a field: use the form of data", member)
	case full == "data":
		return errors.New("a field cannot be called data: use the form of data, or another name")
	case skipped:
		return fmt.Errorf("a field cannot be called %s, which the server ignores: use the form of data, or another name", full)
	}
	return nil
}

func joinName(parent, member string) string {
	if parent == "" {
		return member
	}
	return parent + "." + member
}

// text writes one parameter so that decoding gives the same text.
func (f *fieldComposer) text(name, value string) {
	if value == "" && !params.MayBeEmpty([]byte(name)) {
		f.note("%s is empty, which means absent: it is left out", name)
		return
	}
	if strings.HasPrefix(name, "amp;") {
		name = "amp;" + name // one is taken for a leftover of HTML
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = `"` + value + `"` // one pair is taken for that of AMP
	}
	if f.query.Len() > 0 {
		f.query.WriteByte('&')
	}
	f.query.WriteString(escape(name) + "=" + mergetag.Outside(value, escape))
}

// escape percent-encodes what may not stand in a query as it is, and spaces in the
// one way that every reader understands.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
