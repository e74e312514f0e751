// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// fields is the tree that dotted parameters describe. Its nodes stand in one
// slice and name each other by position, so that a tree of any size costs a few
// allocations and can be reused. Node 0 is the object itself.
type fields struct {
	nodes []node
	// slots is a hash table of the nodes by parent and name, used once there are
	// many; few are found faster by walking along. It keeps the work linear in
	// the length of the query.
	slots []int32
	// size is about the JSON that the tree becomes. Well above limit the tree is
	// given up, so that a long query of short names cannot make it grow on.
	size, limit int
	tooLarge    bool
}

// node is one name in the tree: a text, or a container of other nodes.
type node struct {
	name       string
	text       string
	parent     int32
	firstChild int32
	lastChild  int32
	next       int32
	count      int32
	container  bool
	merged     bool // the decoded object has a member of this name
}

const (
	root        = 0
	noNode      = 0 // the root is nobody's child
	indexedFrom = 32
	minLeaf     = 6 // bytes of JSON around a name and a text
)

// hashSeed keeps clients from choosing names that collide.
var hashSeed = maphash.MakeSeed()

// reset empties the tree, for a query of about so many names.
func (f *fields) reset(limit, names int) {
	f.nodes = append(slices.Grow(f.nodes[:0], min(names, limit/minLeaf)+1), node{container: true})
	f.slots = f.slots[:0]
	f.size, f.limit, f.tooLarge = 0, limit, false
}

func (f *fields) empty() bool { return len(f.nodes) <= 1 }

// add puts a text at the dotted name. A name with an empty segment is ignored,
// and so is one that runs through a text: the shorter name wins, whichever came
// first. Of a repeated name the first wins. Of a name that is too deep, so many
// levels are kept that the object is as well.
func (f *fields) add(name, text string) {
	if name == "" || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..") || f.tooLarge {
		return
	}
	at := int32(root)
	for depth := 1; ; depth++ {
		segment, rest, more := strings.Cut(name, ".")
		more = more && depth <= MaxDepth
		child := f.child(at, segment)
		switch {
		case child == noNode:
			child = f.append(node{name: segment, parent: at, container: more})
		case !f.nodes[child].container:
			return
		case !more:
			n := &f.nodes[child]
			n.container, n.firstChild, n.lastChild, n.count = false, noNode, noNode, 0
		}
		if !more {
			f.nodes[child].text = text
			f.grow(len(text))
			return
		}
		at, name = child, rest
	}
}

// append makes n the last child of its parent.
func (f *fields) append(n node) int32 {
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
	f.grow(len(n.name))
	if len(f.nodes) >= indexedFrom {
		f.insert(id)
	}
	return id
}

// grow notes that the tree becomes so much longer. It may count up to half too
// much, for names that end as positions in an array.
func (f *fields) grow(bytes int) {
	f.size += max(bytes, minLeaf/2)
	f.tooLarge = f.size > 2*f.limit
}

// insert puts a node into the table, which is made anew, larger, when it is half
// full.
func (f *fields) insert(id int32) {
	if 2*len(f.nodes) > len(f.slots) {
		f.slots = append(f.slots[:0], make([]int32, 8*len(f.nodes))...)
		for other := int32(1); other < id; other++ {
			*f.slot(f.nodes[other].parent, f.nodes[other].name) = other
		}
	}
	*f.slot(f.nodes[id].parent, f.nodes[id].name) = id
}

// slot finds the place of a name in the table, which holds noNode if it is free.
func (f *fields) slot(parent int32, name string) *int32 {
	hash := maphash.String(hashSeed, name) + uint64(parent)*0x9e3779b97f4a7c15
	for i := hash % uint64(len(f.slots)); ; i = (i + 1) % uint64(len(f.slots)) {
		id := f.slots[i]
		if id == noNode || f.nodes[id].parent == parent && f.nodes[id].name == name {
			return &f.slots[i]
		}
	}
}

// child finds the child of that name, or noNode.
func (f *fields) child(parent int32, name string) int32 {
	if len(f.nodes) >= indexedFrom {
		return *f.slot(parent, name)
	}
	for id := f.nodes[parent].firstChild; id != noNode; id = f.nodes[id].next {
		if f.nodes[id].name == name {
			return id
		}
	}
	return noNode
}

// appendJSON writes a node and all below it.
func (f *fields) appendJSON(dst []byte, id int32) ([]byte, error) {
	n := &f.nodes[id]
	if !n.container {
		return jsontext.AppendQuote(dst, n.text)
	}
	if order := f.arrayOrder(id); order != nil {
		return f.appendArray(dst, order)
	}
	dst = append(dst, '{')
	dst, err := f.appendMembers(dst, id, true)
	return append(dst, '}'), err
}

// appendMembers writes the children that no object has taken up yet, separated
// by commas; first tells whether the object is still empty.
func (f *fields) appendMembers(dst []byte, id int32, first bool) ([]byte, error) {
	var err error
	for child := f.nodes[id].firstChild; child != noNode; child = f.nodes[child].next {
		if f.nodes[child].merged {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if dst, err = jsontext.AppendQuote(dst, f.nodes[child].name); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = f.appendJSON(dst, child); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (f *fields) appendArray(dst []byte, order []int32) ([]byte, error) {
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
// named exactly 0 to n-1, and nil otherwise. Its size is that of the children,
// never that of a number in the query.
func (f *fields) arrayOrder(id int32) []int32 {
	n := &f.nodes[id]
	if id == root || f.child(id, "0") == noNode {
		return nil
	}
	order := make([]int32, n.count)
	for child := n.firstChild; child != noNode; child = f.nodes[child].next {
		name := f.nodes[child].name
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(order) || strconv.Itoa(i) != name {
			return nil
		}
		order[i] = child
	}
	return order
}
