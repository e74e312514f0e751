// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// fields is the tree that dotted parameters describe. Its nodes stand in one
// slice and name each other by position, so that a tree of any size costs a few
// allocations and can be reused. Node 0 is the object itself.
type fields struct {
	nodes []node
	// index finds children once there are many nodes; few are found faster by
	// walking along. It keeps the work linear in the length of the query.
	index   map[edge]int32
	tooDeep bool
}

// node is one name in the tree: a text, or a container of other nodes.
type node struct {
	name       string
	text       string
	container  bool
	merged     bool // the decoded object has a member of this name
	count      int32
	firstChild int32
	lastChild  int32
	next       int32
}

type edge struct {
	parent int32
	name   string
}

const (
	root        = 0
	noNode      = 0 // the root is nobody's child
	indexedFrom = 32
)

func (f *fields) reset() {
	clear(f.nodes)
	f.nodes = append(f.nodes[:0], node{container: true})
	clear(f.index)
	f.tooDeep = false
}

func (f *fields) empty() bool { return len(f.nodes) <= 1 && !f.tooDeep }

// add puts a text at the dotted name. A name with an empty segment is ignored,
// and so is one that runs through a text: the shorter name wins, whichever came
// first. Of a repeated name the first wins.
func (f *fields) add(name, text string) {
	if name == "" || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..") {
		return
	}
	if strings.Count(name, ".") >= MaxDepth {
		f.tooDeep = true
		return
	}
	at := int32(root)
	for {
		segment, rest, more := strings.Cut(name, ".")
		child := f.child(at, segment)
		switch {
		case child == noNode:
			child = f.append(at, node{name: segment, text: text, container: more})
		case !f.nodes[child].container:
			return
		case !more:
			f.nodes[child] = node{name: segment, text: text, next: f.nodes[child].next}
		}
		if !more {
			return
		}
		at, name = child, rest
	}
}

// append makes n the last child of the parent.
func (f *fields) append(parent int32, n node) int32 {
	id := int32(len(f.nodes))
	f.nodes = append(f.nodes, n)
	p := &f.nodes[parent]
	if p.firstChild == noNode {
		p.firstChild = id
	} else {
		f.nodes[p.lastChild].next = id
	}
	p.lastChild = id
	p.count++
	switch {
	case len(f.nodes) == indexedFrom:
		f.buildIndex()
	case len(f.nodes) > indexedFrom:
		f.index[edge{parent, n.name}] = id
	}
	return id
}

func (f *fields) buildIndex() {
	if f.index == nil {
		f.index = make(map[edge]int32)
	}
	for parent := range f.nodes {
		for id := f.nodes[parent].firstChild; id != noNode; id = f.nodes[id].next {
			f.index[edge{int32(parent), f.nodes[id].name}] = id
		}
	}
}

// child finds the child of that name, or noNode.
func (f *fields) child(parent int32, name string) int32 {
	if len(f.nodes) >= indexedFrom {
		return f.index[edge{parent, name}]
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
