// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// gif is the pixel as writers take it: converting the text would allocate each time.
var gif = []byte(pixel.GIF)

// answer writes the pixel, or what else the method asks for. A response that
// cannot be written is nobody's concern: the client has gone.
func answer(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodOptions {
		answerOptions(w)
		return nil
	}
	header := w.Header()
	// The values are made anew for each request, in one piece: Caddy's header
	// directive replaces within the slices that it finds, which must therefore not
	// be shared.
	values := [...]string{
		"image/gif",
		"43",
		"no-cache, no-store, must-revalidate, max-age=0, private",
		"cross-origin",
		"*",
	}
	header["Content-Type"] = values[0:1:1]
	header["Content-Length"] = values[1:2:2]
	header["Cache-Control"] = values[2:3:3]
	header["Cross-Origin-Resource-Policy"] = values[3:4:4]
	header["Access-Control-Allow-Origin"] = values[4:5:5]
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(gif)
	}
	return nil
}

// answerOptions answers a CORS preflight: any page may ask for the pixel, with
// any header field.
func answerOptions(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Allow", "GET, HEAD, OPTIONS")
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "*")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
