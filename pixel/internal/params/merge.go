// SPDX-License-Identifier: Apache-2.0

package params

import "github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"

// AppendOnto writes the object that data held with the parameters on top: a
// parameter replaces the member of its name, and a dotted one reaches into the
// objects on its way. An array or a scalar on the way gives place to the
// parameter. The object has been scanned, so reading it again cannot fail; what
// can is a parameter that is not UTF-8.
func (f *Tree) AppendOnto(dst, object []byte, scanner *layout.Scanner) ([]byte, error) {
	scanner.Begin(object, layout.AllowRepeated...)
	m := merger{Scanner: scanner, params: f}
	return m.appendObject(dst, root)
}

type merger struct {
	*layout.Scanner
	params *Tree
}

// appendObject reads one object and writes it with the children of the node on
// top. It recurses no deeper than the parameters nest, which is bounded.
func (m *merger) appendObject(dst []byte, at int32) ([]byte, error) {
	if _, err := m.Decoder.ReadToken(); err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	first := true
	for m.Decoder.PeekKind() == '"' {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		name, err := m.Decoder.ReadValue()
		if err != nil {
			return dst, err
		}
		dst = append(append(dst, name...), ':')
		if dst, err = m.appendValue(dst, m.params.child(at, m.Unquote(name))); err != nil {
			return dst, err
		}
	}
	if _, err := m.Decoder.ReadToken(); err != nil {
		return dst, err
	}
	dst, err := m.params.appendMembers(dst, at, first)
	return append(dst, '}'), err
}

// appendValue writes the value of one member: the client's, the parameter's, or
// both merged.
func (m *merger) appendValue(dst []byte, param int32) ([]byte, error) {
	if param == noNode {
		value, err := m.Decoder.ReadValue()
		return append(dst, value...), err
	}
	m.params.nodes[param].merged = true
	if m.params.nodes[param].container && m.Decoder.PeekKind() == '{' {
		return m.appendObject(dst, param)
	}
	if n := &m.params.nodes[param]; n.weak && (!n.container || m.Decoder.PeekKind() != 'n') {
		value, err := m.Decoder.ReadValue()
		return append(dst, value...), err
	}
	if err := m.Decoder.SkipValue(); err != nil {
		return dst, err
	}
	return m.params.appendJSON(dst, param)
}
