// SPDX-License-Identifier: Apache-2.0

package link_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
)

func TestParseTarget(t *testing.T) {
	const path, query = "/v1/pixel/track", "data=ey+J/3%20==&x=;1%"
	whole := link.Target{Host: "example.com", Path: path, Query: query}
	local := link.Target{Path: path, Query: query}
	image := link.Target{Host: "example.com", Path: path, Query: "a=1&b=2"}
	tests := map[string]struct {
		text string
		want link.Target
	}{
		"a URL":                     {"https://example.com" + path + "?" + query, whole},
		"white space around":        {"\n\t https://example.com" + path + "?" + query + "\r\n", whole},
		"quotes":                    {`"https://example.com` + path + "?" + query + `"`, whole},
		"single quotes":             {`'https://example.com` + path + "?" + query + `'`, whole},
		"brackets":                  {"<https://example.com" + path + "?" + query + ">", whole},
		"upper-case scheme":         {"HTTPS://example.com" + path + "?" + query, whole},
		"no scheme":                 {"example.com" + path + "?" + query, whole},
		"no scheme, two slashes":    {"//example.com" + path + "?" + query, whole},
		"a login":                   {"https://me@example.com" + path + "?" + query, whole},
		"a port":                    {"localhost:8080/x?a=1", link.Target{Host: "localhost:8080", Path: "/x", Query: "a=1"}},
		"an address":                {"http://[::1]:80/x?a=1", link.Target{Host: "[::1]:80", Path: "/x", Query: "a=1"}},
		"an address, no scheme":     {"[::1]:80/x?a=1", link.Target{Host: "[::1]:80", Path: "/x", Query: "a=1"}},
		"a host alone":              {"https://example.com?a=1", link.Target{Host: "example.com", Path: "/", Query: "a=1"}},
		"a path":                    {path + "?" + query, local},
		"a path without its slash":  {"v1/pixel/track?" + query, local},
		"slashes in front":          {"//v1/pixel/track?" + query, link.Target{Path: "/" + path, Query: query}},
		"an escaped path":           {"/v1/pixel/%74rack?" + query, local},
		"a path without a query":    {path, link.Target{Path: path}},
		"a request line":            {"GET " + path + "?" + query + " HTTP/1.1", link.Target{Method: "GET", Path: path, Query: query}},
		"a request line in quotes":  {`"POST ` + path + "?" + query + ` HTTP/2.0"`, link.Target{Method: "POST", Path: path, Query: query}},
		"a query":                   {query, link.Target{Query: query}},
		"a query with its mark":     {"?" + query, link.Target{Query: query}},
		"a query of fields":         {"writeKey=k&context.page.url=https://example.com/?a=1#b", link.Target{Query: "writeKey=k&context.page.url=https://example.com/?a=1#b"}},
		"a query without values":    {"a&b=/", link.Target{Query: "a&b=/"}},
		"one word":                  {"a", link.Target{Query: "a"}},
		"a fragment":                {path + "?" + query + "#top", local},
		"a URL escaped for HTML":    {path + "?a=1&amp;b=2", link.Target{Path: path, Query: "a=1&amp;b=2"}},
		"a second question mark":    {path + "?a=?b", link.Target{Path: path, Query: "a=?b"}},
		"an image":                  {`<img src="https://example.com` + path + `?a=1&amp;b=2" width="1">`, image},
		"an image, single quotes":   {`<IMG alt='' SRC = 'https://example.com` + path + `?a=1&#38;b=2'/>`, image},
		"an image without quotes":   {`<img src=https://example.com` + path + `?a=1&#x26;b=2 width=1>`, image},
		"an image on several lines": {"<img\n\tsrc=\"https://example.com" + path + "?a=1&b=2\"\n>", image},
		"the attribute":             {`src="https://example.com` + path + `?a=1&amp;b=2"`, image},
		"other entities stay":       {`<img src="/x?a=1&copy=2&amp;d=&#34;&lt;&gt;&quot;">`, link.Target{Path: "/x", Query: `a=1&copy=2&d="<>"`}},
		"a URL with src= in it":     {"/x?src=a&b=<c>", link.Target{Path: "/x", Query: "src=a&b=<c>"}},
		"several in one":            {`<a href="/y"><img src="/x?a=1"></a>`, link.Target{Path: "/x", Query: "a=1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := link.Parse(test.text)
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestParseTargetErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "nothing to explain",
		` "" `:                   "nothing to explain",
		"<p>Hello</p>":           "the HTML has no src",
		`<img alt="">`:           "the HTML has no src",
		"/v1/pixel/tr%zzack?a=1": "the path has a broken percent escape",
	} {
		_, err := link.Parse(text)
		wantError(t, err, want)
	}
}

// FuzzParseTarget reads anything. A query that is not in HTML stays byte for byte.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{
		"data=eyJ3cml0ZUtleSI6ImsifQ", "data=%7B%22a%22%3A%22%2B%22%7D&properties.a.b=1", "a=%22x%22&p.0=a&name=&amp;x=1", "data=%EF%BB%BF{&&;=%",
		`<img src="x">`, "&amp;", "%", " ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = link.Parse(text)
		const path = "/v1/pixel/track"
		target, err := link.Parse("https://example.com" + path + "?" + text + "&")
		if err != nil || target.Path != path || target.Host != "example.com" {
			t.Fatalf("got %+v, %v", target, err)
		}
		want := text + "&"
		for i := range len(want) {
			if want[i] == '#' {
				want = want[:i]
				break
			}
		}
		if target.Query != want {
			t.Errorf("got %q, want %q", target.Query, want)
		}
	})
}
