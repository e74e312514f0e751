// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"github.com/caddyserver/caddy/v2"
)

// setPlaceholders makes the outcome available to handlers around this one, such
// as log_append.
func (o *outcome) setPlaceholders() {
	if repl, ok := o.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(o.placeholder)
	}
}

func (o *outcome) placeholder(key string) (any, bool) {
	switch key {
	case "http.segment_pixel.outcome":
		if o.result == rejected {
			return o.reason().String(), true
		}
		return o.result.String(), true
	case "http.segment_pixel.type":
		return o.typ.String(), true
	case "http.segment_pixel.source":
		return o.source, true
	case "http.segment_pixel.message_id":
		return o.messageID, true
	}
	return nil, false
}
