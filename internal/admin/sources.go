// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
)

// source is where somebody who builds a pixel can send it to, and as whom.
type source struct {
	Source    string   `json:"source"`
	Addresses []string `json:"addresses,omitempty"`
	// WriteKey is there only if it stands in the configuration as it is, and not in a
	// placeholder or a file: whoever reaches Caddy's own endpoint sees it there.
	WriteKey string `json:"write_key,omitempty"`
}

// serveSources answers with the sources of all handlers, for the builder of the live page.
func serveSources(w http.ResponseWriter, _ *http.Request) error {
	all := []source{}
	if c := handlers.Running.InForce(); c != nil {
		for _, h := range c.Handlers {
			plain := h.Keys().Plain()
			for _, name := range h.Keys().Names() {
				all = append(all, source{Source: name, Addresses: h.Options().Addresses, WriteKey: plain[name]})
			}
		}
	}
	return answerJSON(w, http.StatusOK, map[string]any{"sources": all})
}
