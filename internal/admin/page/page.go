// SPDX-License-Identifier: Apache-2.0

package page

import (
	"errors"
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

// live shows people what the rest of the admin endpoint shows programs. It is put
// together when somebody looks: most processes that have it never show it.
var live = sync.OnceValue(func() joined { return join(files) })

// Serve answers with the page.
func Serve(w http.ResponseWriter, r *http.Request) error {
	// The pattern of the page is that of everything below it, too.
	if r.URL.Path != adminapi.Path {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("there is nothing here: see " + adminapi.Path)}
	}
	page := live()
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", page.policy)
	header.Set("Referrer-Policy", "same-origin") // Caddy asks its own pages where they come from
	header.Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write([]byte(page.html))
	return err
}
