// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// outcome is what became of a request, for the placeholders.
type outcome struct {
	reason    pixel.Reason
	typ       pixel.Type
	source    string
	messageID string
	dropped   bool // by at least one sink
}

// setPlaceholders makes the outcome available to handlers around this one, such
// as log_append.
func setPlaceholders(r *http.Request, o *outcome) {
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(o.placeholder)
	}
}

func (o *outcome) placeholder(key string) (any, bool) {
	switch key {
	case "http.segment_pixel.outcome":
		if o.dropped {
			return "dropped", true
		}
		return o.reason.String(), true
	case "http.segment_pixel.type":
		return o.typ.String(), true
	case "http.segment_pixel.source":
		return o.source, true
	case "http.segment_pixel.message_id":
		return o.messageID, true
	}
	return nil, false
}
