// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

const (
	trackingAPIRefuse = "refuse"
	trackingAPIPass   = "pass"
)

// trackingAPI are the last elements of the paths to which Segment's SDKs post.
var trackingAPI = []string{"batch", "import", "b", "t", "i", "p", "g", "a", "s"}

// isTrackingAPI tells whether a request is one of Segment's SDKs, which speak another API
// than that of pixels, beside a pixel at its usual place.
func (h *Handler) isTrackingAPI(r *http.Request) bool {
	if r.Method != http.MethodPost || h.TrackingAPI == trackingAPIPass || !slices.Contains(h.prefixes, handlers.DefaultPathPrefix) {
		return false
	}
	element, found := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/"), "/v1/")
	return found && slices.Contains(trackingAPI, element)
}

const trackingAPIAnswer = "This site takes Segment's pixels (GET /v1/pixel/...), not what Segment's SDKs post: the events of this request were not taken.\n"

// serveTrackingAPI has the site answer what an SDK has posted. An SDK believes any success,
// so that one which does not come from an API becomes a 404: many sites answer 200 to
// whatever they do not know, and the events would be gone without a word.
func (h *Handler) serveTrackingAPI(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	before := maps.Clone(w.Header())
	answered := caddyhttp.NewResponseRecorder(w, new(bytes.Buffer), func(status int, header http.Header) bool {
		return status >= 200 && status < 300 && !isJSON(header)
	})
	if err := next.ServeHTTP(answered, r); err != nil || answered.Status() != 0 && !answered.Buffered() {
		return err
	}
	watch.NoteTrackingAPI(h.logger)
	header := w.Header()
	clear(header)
	maps.Copy(header, before)
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	_, err := io.WriteString(w, trackingAPIAnswer)
	return err
}

func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
