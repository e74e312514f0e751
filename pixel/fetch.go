// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

// dropClientFetch takes the member fetch out of the context that the client sent. Who has
// fetched a pixel is not for the pixel to say. Hardly any has such a member.
func (ws *workspace) dropClientFetch(c *call) {
	m := c.member(layout.Context)
	object := append([]byte(nil), c.object[:m.Value.Start]...)
	object = appendWithout(object, m.Value.Of(c.object), "fetch")
	object = append(object, c.object[m.Value.End:]...)
	c.object = object
	ws.scanner.ScanOwn(object) // it was good before
}

// appendWithout writes an object, which has been scanned, without a member.
func appendWithout(dst, object []byte, drop string) []byte {
	d := jsontext.NewDecoder(bytes.NewReader(object), layout.AllowRepeated...)
	_, _ = d.ReadToken()
	dst = append(dst, '{')
	first := true
	for d.PeekKind() == '"' {
		token, _ := d.ReadToken()
		name := token.String()
		if name == drop {
			_ = d.SkipValue()
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst, _ = jsontext.AppendQuote(dst, name)
		value, _ := d.ReadValue()
		dst = append(append(dst, ':'), value...)
	}
	return append(dst, '}')
}
