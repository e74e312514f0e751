// SPDX-License-Identifier: Apache-2.0

package mergetag

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// engine is how a template engine writes a tag, and a tag whose value is percent-encoded.
type engine struct {
	name        string
	open, close string
	encoded     string // what stands between them, with %s for the expression
	needs       string // what has to be there for that
}

var engines = []engine{
	{"django", "{{", "}}", ` %s|urlencode:"" `, ""},
	{"ejs", "<%=", "%>", " encodeURIComponent(%s) ", ""},
	{"erb", "<%=", "%>", " ERB::Util.url_encode(%s) ", ""},
	{"freemarker", "${", "}", "%s?url", "a charset for URLs, as with url_escaping_charset"},
	{"go", "{{", "}}", " %s | urlquery ", ""},
	{"handlebars", "{{", "}}", "encodeURIComponent %s", "a helper encodeURIComponent, registered as Handlebars.registerHelper('encodeURIComponent', encodeURIComponent)"},
	{"jinja", "{{", "}}", " %s|urlencode ", ""},
	{"liquid", "{{", "}}", " %s | url_encode ", ""},
	{"nunjucks", "{{", "}}", " %s | urlencode ", ""},
	{"pug", "#{", "}", "encodeURIComponent(%s)", ""},
	{"twig", "{{", "}}", " %s|url_encode ", ""},
}

// Engines are the names of the template engines that are known.
func Engines() []string {
	names := make([]string, len(engines))
	for i, e := range engines {
		names[i] = e.name
	}
	return names
}

// Encode writes every merge tag of a text with the engine's filter for URLs, so that a
// value with & or + arrives as it is. A tag that has one is left alone. It also says what
// the engine needs for that, if it needs anything.
func Encode(text, engineName string) (encoded, needs string, err error) {
	at := slices.IndexFunc(engines, func(e engine) bool { return e.name == engineName })
	if at < 0 {
		return "", "", fmt.Errorf("%q is no template engine that is known: write one of %s", engineName, strings.Join(Engines(), ", "))
	}
	e := engines[at]
	encoded = mergeTag.ReplaceAllStringFunc(text, func(tag string) string {
		inner, opened := strings.CutPrefix(tag, e.open)
		inner, closed := strings.CutSuffix(inner, e.close)
		switch {
		case IsEncoded(tag):
			return tag
		case !opened || !closed:
			err = fmt.Errorf("%s is no tag of %s, which writes %sname%s", tag, e.name, e.open, e.close)
			return tag
		}
		// {{{name}}} is the same without an escape for HTML, of which a value that is
		// percent-encoded has nothing.
		needs = e.needs
		return e.open + fmt.Sprintf(e.encoded, strings.Trim(inner, "{} \t")) + e.close
	})
	return encoded, needs, err
}

// encoding finds what percent-encodes, in the words of engines and mail tools.
var encoding = regexp.MustCompile(`(?i)url_?encode|encode_?uri|urlquery|url_escape|url:|\?url\b|uri_escape|cgi\.escape|quote_plus`)

// IsEncoded tells whether a merge tag has a filter for URLs.
func IsEncoded(tag string) bool { return encoding.MatchString(tag) }
