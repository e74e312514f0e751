// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// serveRecent answers with the last requests, in one object or a line each.
func serveRecent(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	wanted, err := parseSelection(query)
	if err != nil {
		return badRequest(err)
	}
	lines, err := wantsLines(query)
	if err != nil {
		return badRequest(err)
	}
	found := wanted.kept(watch.Cursor{}, watch.Recent.Newest())
	if lines {
		return writeLines(w, found, wanted)
	}
	views := []watch.View{}
	for page, more := found.Next(); more; page, more = found.Next() {
		views = append(views, wanted.views(&page)...)
	}
	return answerJSON(w, http.StatusOK, map[string]any{"records": views})
}

// wantsLines reads the parameter format.
func wantsLines(query url.Values) (bool, error) {
	switch format := query.Get("format"); format {
	case "", "json":
		return false, nil
	case "ndjson":
		return true, nil
	default:
		return false, fmt.Errorf("format is %q: write json or ndjson", format)
	}
}

// writeLines writes a file of records for a browser to keep.
func writeLines(w http.ResponseWriter, found *watch.Found, wanted *selection) error {
	header := w.Header()
	header.Set("Content-Type", "application/x-ndjson")
	header.Set("Content-Disposition", `attachment; filename="segment_pixel.ndjson"`)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for page, more := found.Next(); more; page, more = found.Next() {
		for _, view := range wanted.views(&page) {
			if err := encoder.Encode(view); err != nil {
				return err
			}
		}
	}
	return nil
}

// serveSummary answers with what the requests come to: problems, and counts of events.
func serveSummary(w http.ResponseWriter, r *http.Request) error {
	redact, err := flagged(r.URL.Query(), "redact")
	if err != nil {
		return badRequest(err)
	}
	return answerJSON(w, http.StatusOK, watch.Recent.Summary(redact))
}
