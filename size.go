// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
)

// maxHeaderBytes is the largest head of a request that a server of the configuration takes,
// zero if there is none. Which of them the handler stands in is not known yet, and one that
// takes less refuses what is larger all the same.
func maxHeaderBytes(ctx caddy.Context) (most int) {
	for _, module := range ctx.Modules() {
		app, ok := module.(*caddyhttp.App)
		if !ok {
			continue
		}
		for _, server := range app.Servers {
			limit := server.MaxHeaderBytes
			if limit <= 0 {
				limit = handlers.DefaultMaxHeaderBytes
			}
			most = max(most, limit)
		}
	}
	return most
}

// warnOfSize says what else to set where max_event_size promises more than the server in
// front of it lets through.
func (h *Handler) warnOfSize() {
	if h.maxHeader <= 0 || !handlers.PromisesMore(h.MaxEventSize, h.maxHeader) {
		return
	}
	h.logger.Warn("max_event_size is larger than what Caddy takes: larger events are refused with status 431 before they get here; "+
		handlers.SizeRemedy(h.MaxEventSize),
		zap.Int("max_event_size", h.MaxEventSize), zap.Int("max_header_size", h.maxHeader))
}
