// SPDX-License-Identifier: Apache-2.0

package shown

import (
	"bytes"
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

const (
	// MaxExcerpt is how many bytes of payload a step shows at most.
	MaxExcerpt = 512

	ellipsis = "..."
	// here stands in an excerpt in front of what is wrong.
	here = ">>>"
	// hidden stands for the value of a write key.
	hidden = "[write key]"
	// leastSecret is how long a write key has to be to be looked for as such. A
	// shorter one would be found in any text.
	leastSecret = 6
)

// Secret is the write key of a request, empty while it is unknown.
type Secret string

// keyMember finds the value of a write key in text that may be no valid JSON, or
// that holds a URL.
var keyMember = regexp.MustCompile(`(?i)write[_-]?key["']?\s*[:=]\s*("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s"',&}\]]+)`)

// Excerpt shows the part of a text around an offset, or its beginning if that is
// negative, without the write key.
func (s Secret) Excerpt(text []byte, at int) string {
	marker := here
	if at < 0 {
		at, marker = 0, ""
	}
	before, after := s.hide(text, min(at, len(text)))
	room := MaxExcerpt - len(marker) - 2*len(ellipsis)
	behind := min(len(after), max(room/2, room-len(before)))
	return Last(before, room-behind) + marker + First(after, behind)
}

// Scrub hides the write key in a line of ours.
func (s Secret) Scrub(line string) string {
	line = strings.ToValidUTF8(line, "\ufffd")
	for _, form := range s.forms() {
		line = strings.ReplaceAll(line, form, hidden)
	}
	return line
}

// hide splits a text and hides the write key in both parts, which become valid
// UTF-8.
func (s Secret) hide(text []byte, at int) (before, after string) {
	var b strings.Builder
	end, split := 0, -1
	for _, found := range s.find(text) {
		start := int(found.Start)
		if split < 0 && at <= start {
			b.WriteString(valid(text[end:at]))
			end, split = at, b.Len()
		}
		b.WriteString(valid(text[end:start]) + standIn(found.Of(text)))
		if end = int(found.End); split < 0 && at < end {
			split = b.Len() // never within a secret
		}
	}
	if split < 0 {
		at = max(at, end)
		b.WriteString(valid(text[end:at]))
		end, split = at, b.Len()
	}
	b.WriteString(valid(text[end:]))
	whole := b.String()
	return whole[:split], whole[split:]
}

// standIn is what is shown instead of a write key, with its quotation marks.
func standIn(value []byte) string {
	if value[0] == '"' {
		return `"` + hidden + `"`
	}
	return hidden
}

func valid(text []byte) string { return strings.ToValidUTF8(string(text), "\ufffd") }

// find returns where a text shows a write key, in order and without overlaps.
func (s Secret) find(text []byte) []layout.Span {
	var found []layout.Span
	add := func(start, end int) { found = append(found, layout.Span{Start: int32(start), End: int32(end)}) }
	for _, at := range keyMember.FindAllSubmatchIndex(text, -1) {
		add(at[2], at[3])
	}
	var own layout.Scanner
	if !own.Scan(text).Found() {
		for i := range own.Object.Members {
			m := &own.Object.Members[i]
			if LikeName(string(own.Unquote(m.Name.Of(text))), "writeKey") {
				found = append(found, m.Value)
			}
		}
	}
	for _, form := range s.forms() {
		for start := 0; ; start += len(form) {
			next := bytes.Index(text[start:], []byte(form))
			if next < 0 {
				break
			}
			start += next
			add(start, start+len(form))
		}
	}
	return joined(found)
}

// forms are the ways in which the key may be written.
func (s Secret) forms() []string {
	if len(s) < leastSecret {
		return nil
	}
	quoted, _ := jsontext.AppendQuote(nil, string(s))
	forms := []string{string(s), string(quoted[1 : len(quoted)-1]), url.QueryEscape(string(s)), url.PathEscape(string(s))}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// joined sorts spans and makes one of those that overlap.
func joined(spans []layout.Span) []layout.Span {
	slices.SortFunc(spans, func(a, b layout.Span) int { return cmp.Compare(a.Start, b.Start) })
	var kept []layout.Span
	for _, s := range spans {
		if last := len(kept) - 1; last >= 0 && s.Start < kept[last].End {
			kept[last].End = max(kept[last].End, s.End)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// LikeName tells whether a name is the wanted one but for letter case and what
// separates its words.
func LikeName(name, want string) bool {
	return strings.EqualFold(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name), want)
}
