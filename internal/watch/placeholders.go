// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"github.com/caddyserver/caddy/v2"
)

// SetPlaceholders makes the outcome available to handlers around this one, such
// as log_append.
func (o *Outcome) SetPlaceholders() {
	if repl, ok := o.Request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(o.placeholder)
	}
}

func (o *Outcome) placeholder(key string) (any, bool) {
	switch key {
	case "http.segment_pixel.outcome":
		if o.Result == Rejected {
			return o.reason().String(), true
		}
		return o.Result.String(), true
	case "http.segment_pixel.type":
		return o.Type.String(), true
	case "http.segment_pixel.source":
		return o.Source, true
	case "http.segment_pixel.fetch":
		return o.Fetch.Kind.String(), true
	case "http.segment_pixel.message_id":
		return o.MessageID, true
	}
	return nil, false
}
