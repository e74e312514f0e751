// SPDX-License-Identifier: Apache-2.0

package params

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

// Tree is what dotted parameters describe. Its nodes stand in one
// slice and name each other by position, and their names and texts stand in
// another one, so that a tree of any size costs a few allocations and can be reused.
// Node 0 is the object itself.
type Tree struct {
	text  []byte
	nodes []node
	// slots is a hash table of the nodes by parent and name, used once there are
	// many; few are found faster by walking along. It keeps the work linear in
	// the length of the query.
	slots []int32
	// order is the memory of arrayOrder.
	order []int32
	// size is about the JSON that the tree becomes. Well above limit the tree is
	// given up, so that a long query of short names cannot make it grow on.
	size, limit int
	TooLarge    bool
}

// node is one name in the tree: a text, or a container of other nodes.
type node struct {
	name       layout.Span
	text       layout.Span
	parent     int32
	firstChild int32
	lastChild  int32
	next       int32
	count      int32
	container  bool
	merged     bool // the decoded object has a member of this name
	weak       bool // the decoded object's member of this name counts
}

const (
	root        = 0
	noNode      = 0 // the root is nobody's child
	indexedFrom = 32
	firstSlots  = 256 // a power of two, as each larger table has
	minLeaf     = 6   // bytes of JSON around a name and a text
)

// hashSeed keeps clients from choosing names that collide.
var hashSeed = maphash.MakeSeed()

// Reset empties the tree. The limit is in bytes of JSON.
func (f *Tree) Reset(limit int) {
	f.text = f.text[:0]
	f.nodes = append(f.nodes[:0], node{container: true})
	f.slots, f.order = f.slots[:0], f.order[:0]
	f.size, f.limit, f.TooLarge = 0, limit, false
}

// Memory is about the bytes that the tree holds.
func (f *Tree) Memory() int {
	const nodeSize, indexSize = 48, 4
	return cap(f.text) + nodeSize*cap(f.nodes) + indexSize*(cap(f.slots)+cap(f.order))
}

// Empty tells whether the tree has no field.
func (f *Tree) Empty() bool { return len(f.nodes) <= 1 }

func (f *Tree) name(id int32) []byte { return f.nodes[id].name.Of(f.text) }

// Keep returns a text of ours as a span of the tree's.
func (f *Tree) Keep(text string) layout.Span {
	start := int32(len(f.text))
	f.text = append(f.text, text...)
	return layout.Span{Start: start, End: int32(len(f.text))}
}

// TextOf returns what a span of the tree's memory holds.
func (f *Tree) TextOf(s layout.Span) []byte { return s.Of(f.text) }

// Has tells whether there is a field of this name on the first level.
func (f *Tree) Has(name string) bool { return f.child(root, []byte(name)) != noNode }

// Count is how many nodes there are.
func (f *Tree) Count() int { return len(f.nodes) }

// Weaken lets the client's object keep what it has in place of the nodes from that one
// on.
func (f *Tree) Weaken(from int) {
	for id := from; id < len(f.nodes); id++ {
		f.nodes[id].weak = true
	}
}

// Unescape undoes the percent-encoding of a name or a value and keeps the text.
func (f *Tree) Unescape(raw string) layout.Span {
	start := int32(len(f.text))
	f.text = encoding.AppendUnescaped(f.text, raw)
	return layout.Span{Start: start, End: int32(len(f.text))}
}

// Add puts a text at the dotted name. A name with an empty segment is ignored,
// and so is one that runs through a text: the shorter name wins, whichever came
// first. Of a repeated name the first wins. Of a name that is too deep, so many
// levels are kept that the object is as well. The result is what became of it.
func (f *Tree) Add(name, text layout.Span) Fate {
	if f.TooLarge {
		return isSurplus
	}
	if hasEmptySegment(name.Of(f.text)) {
		return hasBadName
	}
	is := IsField
	at := int32(root)
	for depth := 1; ; depth++ {
		segment, rest, more := f.cut(name)
		more = more && depth <= layout.MaxDepth
		child := f.child(at, segment.Of(f.text))
		switch {
		case child == noNode:
			child = f.append(node{name: segment, parent: at, container: more})
		case !f.nodes[child].container:
			if more {
				return runsThroughText
			}
			return IsRepeated
		case !more:
			is = ReplacesLonger
			n := &f.nodes[child]
			n.container, n.firstChild, n.lastChild, n.count = false, noNode, noNode, 0
		}
		if !more {
			f.nodes[child].text = text
			f.grow(text.Len())
			return is
		}
		at, name = child, rest
	}
}

// cut slices a name around its first dot.
func (f *Tree) cut(name layout.Span) (segment, rest layout.Span, found bool) {
	dot := bytes.IndexByte(name.Of(f.text), '.')
	if dot < 0 {
		return name, layout.Span{}, false
	}
	at := name.Start + int32(dot)
	return layout.Span{Start: name.Start, End: at}, layout.Span{Start: at + 1, End: name.End}, true
}

func hasEmptySegment(name []byte) bool {
	return len(name) == 0 || name[0] == '.' || name[len(name)-1] == '.' || bytes.Contains(name, []byte(".."))
}

// append makes n the last child of its parent.
func (f *Tree) append(n node) int32 {
	id := int32(len(f.nodes))
	f.nodes = append(f.nodes, n)
	p := &f.nodes[n.parent]
	if p.firstChild == noNode {
		p.firstChild = id
	} else {
		f.nodes[p.lastChild].next = id
	}
	p.lastChild = id
	p.count++
	f.grow(n.name.Len())
	if len(f.nodes) >= indexedFrom {
		f.insert(id)
	}
	return id
}

// grow notes that the tree becomes so much longer. It may count up to half too
// much, for names that end as positions in an array.
func (f *Tree) grow(bytes int) {
	f.size += max(bytes, minLeaf/2)
	f.TooLarge = f.size > 2*f.limit
}

// insert puts a node into the table, which is made anew, larger, when it is half
// full.
func (f *Tree) insert(id int32) {
	if 2*len(f.nodes) > len(f.slots) {
		size := max(4*len(f.slots), firstSlots)
		f.slots = append(f.slots[:0], make([]int32, size)...)
		for other := int32(1); other < id; other++ {
			*f.slot(f.nodes[other].parent, f.name(other)) = other
		}
	}
	*f.slot(f.nodes[id].parent, f.name(id)) = id
}

// slot finds the place of a name in the table, which holds noNode if it is free.
func (f *Tree) slot(parent int32, name []byte) *int32 {
	hash := maphash.Bytes(hashSeed, name) + uint64(parent)*0x9e3779b97f4a7c15
	mask := uint64(len(f.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		id := f.slots[i]
		if id == noNode || f.nodes[id].parent == parent && bytes.Equal(f.name(id), name) {
			return &f.slots[i]
		}
	}
}

// child finds the child of that name, or noNode.
func (f *Tree) child(parent int32, name []byte) int32 {
	if len(f.nodes) >= indexedFrom {
		return *f.slot(parent, name)
	}
	for id := f.nodes[parent].firstChild; id != noNode; id = f.nodes[id].next {
		if bytes.Equal(f.name(id), name) {
			return id
		}
	}
	return noNode
}

// AppendObject writes the tree as an object of its own.
func (f *Tree) AppendObject(dst []byte) ([]byte, error) { return f.appendJSON(dst, root) }

// appendJSON writes a node and all below it.
func (f *Tree) appendJSON(dst []byte, id int32) ([]byte, error) {
	n := &f.nodes[id]
	if !n.container {
		return jsontext.AppendQuote(dst, n.text.Of(f.text))
	}
	if order, isArray := f.arrayOrder(id); isArray {
		return f.appendArray(dst, order)
	}
	dst = append(dst, '{')
	dst, err := f.appendMembers(dst, id, true)
	return append(dst, '}'), err
}

// appendMembers writes the children that no object has taken up yet, separated
// by commas; first tells whether the object is still empty.
func (f *Tree) appendMembers(dst []byte, id int32, first bool) ([]byte, error) {
	var err error
	for child := f.nodes[id].firstChild; child != noNode; child = f.nodes[child].next {
		if f.nodes[child].merged {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if dst, err = jsontext.AppendQuote(dst, f.name(child)); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = f.appendJSON(dst, child); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (f *Tree) appendArray(dst []byte, order []int32) ([]byte, error) {
	var err error
	dst = append(dst, '[')
	for i, child := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = f.appendJSON(dst, child); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// arrayOrder returns the children in the order of their numbers when they are
// named exactly 0 to n-1. Its size is that of the children, never that of a number
// in the query. Arrays are written from the outside in, so all orders stand one
// behind the other.
func (f *Tree) arrayOrder(id int32) (order []int32, isArray bool) {
	n := &f.nodes[id]
	if id == root || f.child(id, []byte("0")) == noNode {
		return nil, false
	}
	start, end := len(f.order), len(f.order)+int(n.count)
	f.order = slices.Grow(f.order, int(n.count))
	order = f.order[start:end:end]
	for child := n.firstChild; child != noNode; child = f.nodes[child].next {
		i, isNumber := Position(f.name(child))
		if !isNumber || i >= len(order) {
			return nil, false
		}
		order[i] = child
	}
	f.order = f.order[:end]
	return order, true
}

// Position reads a number as it is written, without a sign or leading zeros.
func Position(name []byte) (int, bool) {
	const most = 9 // digits, which an int always holds
	if len(name) == 0 || len(name) > most || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range name {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// MayBeEmpty tells whether a parameter of this name keeps an empty value. For
// the others, empty means absent: a mail template whose merge tag found nothing
// must not identify anybody.
func MayBeEmpty(name []byte) bool {
	switch string(name) {
	case "userId", "anonymousId", "groupId", "previousId", "messageId", "writeKey":
		return false
	default:
		return true
	}
}
