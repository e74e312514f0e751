// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Target is what a request asks for.
type Target struct {
	// Method is empty unless the text was a request line.
	Method string
	// Host is that of the URL, with its port, empty where only a path was given.
	Host string
	// Path has its percent-encoding undone. It is empty where only a query was given.
	Path string
	// Query is the raw query, byte for byte.
	Query string
}

var (
	// imageSource finds what an <img> loads. The value may lack quotation marks.
	imageSource = regexp.MustCompile(`(?is)\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))`)
	requestLine = regexp.MustCompile(`^([A-Z]+) (\S.*?)(?: HTTP/[0-9.]+)?$`)
	scheme      = regexp.MustCompile(`^(?i)[a-z][a-z0-9+.-]*://`)
	// hostFirst finds a host in front of a path: it has a dot or a port, and is not
	// one of the pieces that a query is made of.
	hostFirst = regexp.MustCompile(`^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|[A-Za-z0-9-]+:[0-9]+|\[[0-9A-Fa-f:]+\](?::[0-9]+)?)(?:[/?]|$)`)

	// attributeEscapes are those that URLs in HTML need.
	attributeEscapes = strings.NewReplacer(
		"&amp;", "&", "&#38;", "&", "&#x26;", "&", "&#61;", "=", "&#x3d;", "=", "&#x3D;", "=",
		"&quot;", `"`, "&#34;", `"`, "&#x22;", `"`, "&#39;", "'", "&#x27;", "'", "&apos;", "'",
		"&lt;", "<", "&#60;", "<", "&gt;", ">", "&#62;", ">", "&#43;", "+", "&#x2b;", "+", "&#x2B;", "+",
	)
)

// Parse reads the address of a pixel from what people have at hand: a URL, one
// without its scheme, a path with a query, a query alone, a request line, or an <img>
// in HTML, whose escapes are undone as a browser does it. Otherwise the query stays
// as it is, so that what is wrong with it can be found.
func Parse(text string) (Target, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "<") {
		var err error
		if text, err = textOfMarkup(text); err != nil {
			return Target{}, err
		}
	} else if source := imageSource.FindStringSubmatchIndex(text); source != nil && source[0] == 0 {
		text = valueOfSource(text)
	}
	text = trimQuotes(text)
	var target Target
	if line := requestLine.FindStringSubmatch(text); line != nil {
		target.Method, text = line[1], line[2]
	}
	if text == "" {
		return target, errors.New("there is nothing to explain: give a URL, a path with a query, or a query")
	}
	return target.parse(text)
}

// textOfMarkup takes the address out of <...>, which is an <img> or mere brackets.
func textOfMarkup(text string) (string, error) {
	if source := valueOfSource(text); source != "" {
		return source, nil
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(text, "<"), ">")
	if strings.ContainsAny(inner, "<> ") {
		return "", errors.New("the HTML has no src: give an <img> with the address of the pixel, or the address alone")
	}
	return inner, nil
}

func valueOfSource(text string) string {
	found := imageSource.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return attributeEscapes.Replace(strings.TrimSpace(found[1] + found[2] + found[3]))
}

// trimQuotes drops quotation marks around the whole text.
func trimQuotes(text string) string {
	if n := len(text); n >= 2 && text[0] == text[n-1] && strings.IndexByte("\"'`", text[0]) >= 0 {
		return strings.TrimSpace(text[1 : n-1])
	}
	return text
}

// parse tells host, path and query apart.
func (t Target) parse(text string) (Target, error) {
	var hasHost bool
	if prefix := scheme.FindString(text); prefix != "" {
		text, hasHost = text[len(prefix):], true
	} else if rest, found := strings.CutPrefix(text, "//"); found && hostFirst.MatchString(rest) {
		text, hasHost = rest, true
	} else {
		hasHost = hostFirst.MatchString(text)
	}
	if !hasHost && isQuery(text) {
		t.Query = strings.TrimPrefix(text, "?")
		return t, nil
	}
	// What follows a # never leaves the browser.
	text, _, _ = strings.Cut(text, "#")
	text, t.Query, _ = strings.Cut(text, "?")
	if hasHost {
		host, path, _ := strings.Cut(text, "/")
		t.Host, text = host[strings.LastIndexByte(host, '@')+1:], "/"+path
	}
	if !strings.HasPrefix(text, "/") {
		text = "/" + text
	}
	var err error
	if t.Path, err = url.PathUnescape(text); err != nil {
		return t, fmt.Errorf("the path has a broken percent escape, which a server answers with 400 before the pixel sees it: %w", err)
	}
	return t, nil
}

// isQuery tells a query from a path: a name comes first, and no slash before its
// value.
func isQuery(text string) bool {
	if strings.HasPrefix(text, "?") {
		return true
	}
	end := strings.IndexAny(text, "=/?&")
	return end < 0 || text[end] == '=' || text[end] == '&'
}
