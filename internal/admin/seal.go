// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
)

// sealed is the answer of /segment_pixel/seal.
type sealed struct {
	Token string `json:"token"`
}

// serveSeal seals an object for the builder of the live page, with the first key of the
// first handler that has keys, if the operator allows that: whoever reaches the page can
// then make pixels that the site believes.
func serveSeal(w http.ResponseWriter, r *http.Request) error {
	c := handlers.Running.InForce()
	if c == nil || !c.BuilderSeals {
		return caddy.APIError{HTTPStatus: http.StatusForbidden, Err: errors.New("the builder may not seal: write builder_seals on into the global option segment_pixel")}
	}
	object, err := io.ReadAll(io.LimitReader(r.Body, maxExplained))
	if err != nil {
		return badRequest(err)
	}
	if value := jsontext.Value(object); value.Kind() != '{' || !value.IsValid() {
		return badRequest(errors.New("send a JSON object"))
	}
	for _, h := range c.Handlers {
		token, has, err := h.Seal(object)
		if err != nil {
			return badRequest(err)
		}
		if has {
			return answerJSON(w, http.StatusOK, sealed{token})
		}
	}
	return badRequest(errors.New("no handler has keys to seal with"))
}
