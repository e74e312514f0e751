// SPDX-License-Identifier: Apache-2.0

package params

import (
	"bytes"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

// Dotted writes a name with brackets as the same with dots. Empty brackets append: they
// stand for the next number. A name whose brackets do not match stays as it is.
func (f *Tree) Dotted(name layout.Span) (dotted layout.Span, changed bool) {
	start := int32(len(f.text))
	open := false
	for i := name.Start; i < name.End; i++ {
		switch c := f.text[i]; {
		case c == '[' && !open:
			open = true
			f.text = append(f.text, '.')
		case c == ']' && open && (i+1 == name.End || f.text[i+1] == '[' || f.text[i+1] == '.'):
			open = false
			if f.text[i-1] == '[' {
				f.text = f.appendNext(f.text, start)
			}
		case c == '[' || c == ']' || c == '.' && open:
			f.text = f.text[:start]
			return name, false
		default:
			f.text = append(f.text, c)
		}
	}
	if open {
		f.text = f.text[:start]
		return name, false
	}
	return layout.Span{Start: start, End: int32(len(f.text))}, true
}

// appendNext appends the number of the next element below the name that begins at
// start and ends with a dot.
func (f *Tree) appendNext(text []byte, start int32) []byte {
	at := int32(root)
	for segment := range bytes.SplitSeq(text[start:len(text)-1], []byte(".")) {
		if at = f.child(at, segment); at == noNode {
			return append(text, '0')
		}
	}
	return appendDecimal(text, f.nodes[at].count)
}

func appendDecimal(dst []byte, n int32) []byte {
	if n >= 10 {
		dst = appendDecimal(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}
