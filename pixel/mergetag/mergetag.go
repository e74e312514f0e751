// SPDX-License-Identifier: Apache-2.0

package mergetag

import (
	"bytes"
	"regexp"
	"strings"
)

// mergeTag is what mail tools and templates replace for each recipient: {{...}}
// and {%...%} of Handlebars, Liquid and Jinja, *|...|* of Mailchimp, %%...%% of
// Salesforce, [[data:...]] of Mailjet, ${...} of AMP and others, <%=...%> of EJS and ERB,
// #{...} of Pug.
var mergeTag = regexp.MustCompile(
	`\{\{[^\n]*?\}{2,}|\{%[^\n]*?%\}|\*\|[^\n]+?\|\*|%%[^%\s]+%%|\[\[[a-z]+:[^\n]+?\]\]|\$\{[^}\n]+\}|<%[^\n]*?%>|#\{[^}\n]+\}`)

// All returns the merge tags in a text, in their order.
func All(text string) []string { return mergeTag.FindAllString(text, -1) }

// Fill replaces every merge tag in a text, as a mail tool does it.
func Fill(text, value string) string {
	return mergeTag.ReplaceAllLiteralString(text, value)
}

// Outside applies f to the parts of a text that are no merge tags, and
// leaves those as they are.
func Outside(text string, f func(string) string) string {
	var b strings.Builder
	end := 0
	for _, at := range mergeTag.FindAllStringIndex(text, -1) {
		b.WriteString(f(text[end:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		end = at[1]
	}
	b.WriteString(f(text[end:]))
	return b.String()
}

// wholeTag is a text that is one merge tag and nothing else. Where the whole value of an
// identity is looked at, less common forms are safe to know as well: no identity looks
// like that.
var wholeTag = regexp.MustCompile(`^(?:\{\{[^\n]*\}\}|\{%[^\n]*%\}|\*\|[^\n]+\|\*|%%[^\n]+%%|\[\[[^\n]+\]\]|[$#@]\{[^}\n]+\}|` +
	`<%[^\n]*%>|<<[^\n<>]+>>|%[A-Za-z_][A-Za-z0-9_. -]*%|\$[A-Z_]+\$|\$\[[^\n\]]+\]\$|\[%[^\n]+%\]|\[[A-Za-z_][A-Za-z0-9_. :,=-]*\]|` +
	`\{[$!]?[A-Za-z_][A-Za-z0-9_.:]*\}|@@[^@\n]+@@|@[A-Z_]+@|##[^#\n]+##|~[A-Za-z_]+\.[A-Za-z0-9_.]+~)$`)

// Is tells whether a text is nothing but a merge tag.
func Is(text []byte) bool { return wholeTag.Match(text) }

// tagBeginnings are how merge tags begin. Each is rare in a payload, so that looking for
// them costs next to nothing.
var tagBeginnings = [...][]byte{[]byte("*|"), []byte("%%"), []byte("${"), []byte("{{"), []byte("{%"), []byte("[["), []byte("<%"), []byte("#{")}

// In tells whether there is a merge tag in an object.
func In(object []byte) bool {
	for _, beginning := range tagBeginnings {
		if bytes.Contains(object, beginning) {
			return mergeTag.Match(object)
		}
	}
	return false
}
