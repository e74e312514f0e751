// SPDX-License-Identifier: Apache-2.0

package params

import "unicode/utf8"

// FirstLevel returns the names of the first level, as show writes them: those whose
// member of the object below them was replaced or reached into, and those that are new.
func (f *Tree) FirstLevel(show func(string) string) (merged, added []string) {
	for id := f.nodes[root].firstChild; id != noNode; id = f.nodes[id].next {
		name := show(string(f.name(id)))
		if f.nodes[id].merged {
			merged = append(merged, name)
		} else {
			added = append(added, name)
		}
	}
	return merged, added
}

// FirstNotUTF8 returns the name of the first node whose name or text is not UTF-8.
func (f *Tree) FirstNotUTF8() (name string, found bool) {
	for id := range f.nodes {
		n := &f.nodes[id]
		if name := f.name(int32(id)); !utf8.Valid(name) || !n.container && !utf8.Valid(n.text.Of(f.text)) {
			return string(name), true
		}
	}
	return "", false
}
