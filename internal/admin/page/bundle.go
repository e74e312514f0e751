// SPDX-License-Identifier: Apache-2.0

package page

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
)

var (
	imported = regexp.MustCompile(`(?m)^import (?:\{[^}]*\} from )?"(\.[^"]+)";\n`)
	exported = regexp.MustCompile(`(?m)^export `)
)

// bundle makes one script of modules, each behind those that it imports. They share
// one scope, so that a name means the same in all of them, and the browser refuses a
// script that declares one twice.
type bundle struct {
	files  fs.FS
	added  map[string]bool // false while what the module imports is being added
	script strings.Builder
}

func newBundle(files fs.FS) *bundle {
	return &bundle{files: files, added: make(map[string]bool)}
}

// add adds a module behind what it imports. It panics if modules import each other in
// a circle: what the one needs at its start the other would not have made yet.
func (b *bundle) add(module string) *bundle {
	if done, known := b.added[module]; done {
		return b
	} else if known {
		panic("the live page: " + module + " imports itself by way of others")
	}
	b.added[module] = false
	source := read(b.files, module)
	for _, found := range imported.FindAllStringSubmatch(source, -1) {
		if strings.Contains(found[0], " as ") {
			panic("the live page: " + module + " renames what it imports")
		}
		b.add(path.Join(path.Dir(module), found[1]))
	}
	b.added[module] = true
	b.script.WriteString("\n// " + module + "\n")
	b.script.WriteString(exported.ReplaceAllString(imported.ReplaceAllString(source, ""), ""))
	return b
}

// String is the script.
func (b *bundle) String() string { return b.script.String() }
