// SPDX-License-Identifier: Apache-2.0

package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed html css js
var files embed.FS

// joined is the page as one file, without outside assets, and what it may do.
type joined struct {
	html, policy string
}

var (
	include    = regexp.MustCompile(`(?m)^\s*<!-- include (\S+) -->\n`)
	stylesheet = regexp.MustCompile(`(?m)^\s*<link rel="stylesheet" href="(\S+)" />\n`)
	entry      = regexp.MustCompile(`(?m)^\s*<script type="module" src="(\S+)"></script>\n`)
)

// join makes one file of html/page.html and all that it names: the parts that it
// includes, its stylesheets, and its script with the modules that this imports.
func join(files fs.FS) joined {
	html := include.ReplaceAllStringFunc(read(files, "html/page.html"), func(line string) string {
		return read(files, include.FindStringSubmatch(line)[1])
	})
	var style strings.Builder
	for _, link := range stylesheet.FindAllStringSubmatch(html, -1) {
		style.WriteString(read(files, link[1]))
	}
	html = stylesheet.ReplaceAllLiteralString(html, "")
	script := newBundle(files).add(entry.FindStringSubmatch(html)[1]).String()
	html = entry.ReplaceAllLiteralString(html, element("script", ` type="module"`, script))
	html = strings.Replace(html, "\t</head>", element("style", "", style.String())+"\t</head>", 1)
	return joined{html, policy(script, style.String())}
}

// element holds its content as it is.
func element(name, attributes, content string) string {
	if strings.Contains(content, "</"+name) {
		panic("the live page: its " + name + " would end early")
	}
	return "<" + name + attributes + ">" + content + "</" + name + ">\n"
}

// read panics if there is no such file: the files are built in.
func read(files fs.FS, name string) string {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		panic("the live page: " + err.Error())
	}
	return string(content)
}

// policy lets the page run what is in it and nothing else, should a payload ever find
// a way into its markup. Its URL builder loads pixels from anywhere.
func policy(script, style string) string {
	return "default-src 'none'; connect-src 'self'; img-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"script-src " + digest(script) + "; style-src " + digest(style)
}

// digest is the source expression of an element with this content.
func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
