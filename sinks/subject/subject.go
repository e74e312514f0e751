// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Default is where events go unless the configuration says otherwise.
const Default = "segment.events.{source}.{type}"

const (
	// maxSubjectValue bounds what one placeholder adds to a subject, in bytes, and
	// maxSubjectValues how many there may be: a server cuts the connection of a
	// client whose control line is longer than 4 KiB.
	maxSubjectValue  = 256
	maxSubjectValues = 8
	// usualSubject is more than most subjects have, in bytes.
	usualSubject = 64
	// maxSubject bounds what is configured.
	maxSubject = 1024
)

// Template is a subject with placeholders in it.
type Template struct{ parts []subjectPart }

// subjectPart is either literal text or a placeholder.
type subjectPart struct {
	literal     string
	placeholder string
}

// Parse reads a template. What stands outside of placeholders has to be a
// subject that can be published to.
func Parse(template string) (*Template, error) {
	t := new(Template)
	for rest := template; rest != ""; {
		literal, behind, found := strings.Cut(rest, "{")
		if literal != "" {
			t.parts = append(t.parts, subjectPart{literal: literal})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(behind, "}")
		if !closed || name == "" {
			return nil, fmt.Errorf("subject %q has a placeholder that is empty or not closed", template)
		}
		t.parts = append(t.parts, subjectPart{placeholder: name})
		rest = after
	}
	return t, t.check(template)
}

func (t *Template) check(template string) error {
	values := 0
	var filled strings.Builder
	for _, part := range t.parts {
		if part.placeholder != "" {
			values++
			filled.WriteByte('x')
		}
		filled.WriteString(part.literal)
	}
	if values > maxSubjectValues {
		return fmt.Errorf("subject %q has more than %d placeholders", template, maxSubjectValues)
	}
	if err := Check(filled.String()); err != nil {
		return fmt.Errorf("subject %q %w", template, err)
	}
	return nil
}

// Check tells what keeps a text from being a subject to publish to.
func Check(subject string) error {
	if len(subject) > maxSubject {
		return fmt.Errorf("is longer than %d bytes", maxSubject)
	}
	if strings.HasPrefix(subject, "$") {
		return errors.New("begins with a dollar sign, which NATS keeps for itself")
	}
	if strings.ContainsAny(subject, "{}") {
		return errors.New("has a brace outside of a placeholder, or a placeholder where none can be used")
	}
	for token := range strings.SplitSeq(subject, ".") {
		if token == "" {
			return errors.New("has an empty token: write tokens separated by single dots, like segment.events.{source}.{type}")
		}
		if SafeToken(token) != token {
			return errors.New("has a wildcard, a space or a character outside of ASCII, which cannot be published to")
		}
	}
	return nil
}

// Subject fills the template for one event. The context carries the request's
// replacer.
func (t *Template) Subject(ctx context.Context, event *pixel.Event) string {
	var b strings.Builder
	b.Grow(usualSubject)
	for _, part := range t.parts {
		if part.placeholder == "" {
			b.WriteString(part.literal)
		} else {
			b.WriteString(SafeToken(part.value(ctx, event)))
		}
	}
	subject := b.String()
	if rest, found := strings.CutPrefix(subject, "$"); found {
		// A client's value must not reach what NATS keeps for itself.
		return "_" + rest
	}
	return subject
}

func (p subjectPart) value(ctx context.Context, event *pixel.Event) string {
	switch p.placeholder {
	case "source":
		return event.Source
	case "type":
		return event.Type.String()
	case "event":
		return event.Name
	}
	return Placeholder(ctx, p.placeholder)
}

// Wildcard is the subject that covers everything the template can produce: each
// token with a placeholder in it becomes "*".
func (t *Template) Wildcard() string {
	const mark = "\x00"
	var b strings.Builder
	for _, part := range t.parts {
		if part.placeholder != "" {
			b.WriteString(mark)
		}
		b.WriteString(part.literal)
	}
	tokens := strings.Split(b.String(), ".")
	for i, token := range tokens {
		if strings.Contains(token, mark) {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, ".")
}

// SafeToken makes a value fit for one token of a subject: what separates tokens,
// is a wildcard or is no printable ASCII becomes "_", and so does an empty value.
func SafeToken(value string) string {
	if value == "" {
		return "_"
	}
	value = value[:min(len(value), maxSubjectValue)]
	for i := range len(value) {
		if !isSafe(value[i]) {
			return replaceUnsafe(value)
		}
	}
	return value
}

func replaceUnsafe(value string) string {
	safe := []byte(value)
	for i, c := range safe {
		if !isSafe(c) {
			safe[i] = '_'
		}
	}
	return string(safe)
}

func isSafe(c byte) bool {
	return c > ' ' && c < 0x7f && c != '.' && c != '*' && c != '>'
}

// Covers tells whether every subject that inner matches is matched by outer.
func Covers(outer, inner string) bool {
	o, i := strings.Split(outer, "."), strings.Split(inner, ".")
	for n, token := range o {
		switch {
		case token == ">":
			return n < len(i)
		case n >= len(i), i[n] == ">":
			return false
		case token != "*" && token != i[n]:
			return false
		}
	}
	return len(o) == len(i)
}

// CheckFilter tells what keeps a text from being a subject that a stream takes,
// wildcards included.
func CheckFilter(subject string) error {
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		switch token {
		case "":
			return errors.New("has an empty token: write tokens separated by single dots")
		case "*":
		case ">":
			if i < len(tokens)-1 {
				return errors.New("has a > that is not its last token")
			}
		default:
			if SafeToken(token) != token {
				return errors.New("has a wildcard within a token, a space or a character outside of ASCII")
			}
		}
	}
	return nil
}

// Overlap tells whether some subject is matched by both.
func Overlap(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for n := range min(len(x), len(y)) {
		switch {
		case x[n] == ">", y[n] == ">":
			return true
		case x[n] != "*" && y[n] != "*" && x[n] != y[n]:
			return false
		}
	}
	return len(x) == len(y)
}
