// SPDX-License-Identifier: Apache-2.0

package layout

// Fault is what is wrong with a text that is no JSON object, together with what helps
// to find the cause. Its detail holds offsets, never a part of the text.
type Fault struct {
	Kind   FaultKind
	Detail string
}

// Found tells whether there is one.
func (f Fault) Found() bool { return f.Kind != NoFault }

// FaultKind is a kind of fault.
type FaultKind uint8

const (
	// NoFault is the kind of a text that is one JSON object.
	NoFault FaultKind = iota
	// EndsEarly is that of a text that would go on.
	EndsEarly
	// IsNotUTF8 is that of a text with other bytes than UTF-8 has.
	IsNotUTF8
	// IsNotJSON is that of a text that breaks the grammar.
	IsNotJSON
	// IsNotObject is that of JSON which is an array or a scalar.
	IsNotObject
	// NestsTooDeep is that of an object with more than MaxDepth levels.
	NestsTooDeep
)
