// SPDX-License-Identifier: Apache-2.0

package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

// live shows people what the rest of the admin endpoint shows programs.
//
//go:embed live.html
var live string

// livePolicy lets the page run what is in it and nothing else, should a payload ever
// find a way into its markup. Its URL builder loads pixels from anywhere.
var livePolicy = "default-src 'none'; connect-src 'self'; img-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"script-src " + digestOf("script") + "; style-src " + digestOf("style")

// digestOf is the source expression of the page's one element of this name.
func digestOf(element string) string {
	_, rest, _ := strings.Cut(live, "<"+element)
	_, rest, _ = strings.Cut(rest, ">")
	content, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Serve answers with the page.
func Serve(w http.ResponseWriter, r *http.Request) error {
	// The pattern of the page is that of everything below it, too.
	if r.URL.Path != adminapi.Path {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("there is nothing here: see " + adminapi.Path)}
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", livePolicy)
	header.Set("Referrer-Policy", "same-origin") // Caddy asks its own pages where they come from
	header.Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write([]byte(live))
	return err
}
