// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// maxExplained bounds what somebody may have explained, in bytes. No URL that reaches
// a handler is longer.
const maxExplained = 1 << 20

// explained is the answer of /segment_pixel/explain.
type explained struct {
	*pixel.Explanation
	Handler int `json:"handler"` // its place in the configuration, from 0 on; -1 if none takes the path
}

// serveExplain tells what the handlers of the configuration in force make of a URL,
// which comes as it is or as {"url":"..."}. A query without a path is taken for one of
// a track call.
func serveExplain(w http.ResponseWriter, r *http.Request) error {
	target, err := readTarget(r.Body)
	if err != nil {
		return badRequest(err)
	}
	c := running.inForce()
	if c == nil {
		return badRequest(errors.New("no configuration with segment_pixel runs"))
	}
	request := loggedRequest{Request: newRequest(target)}
	if !isPixel(request.Method) {
		return badRequest(fmt.Errorf("%s is answered, but makes no event and is not rejected", request.Method))
	}
	v := judge(c.Handlers, request, pixel.Track)
	return answerJSON(w, http.StatusOK, explained{v.explain(c.Handlers, request), v.handler})
}

func readTarget(body io.Reader) (pixel.Target, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxExplained+1))
	if err != nil {
		return pixel.Target{}, err
	}
	if len(text) > maxExplained {
		return pixel.Target{}, fmt.Errorf("the text is longer than %d bytes", maxExplained)
	}
	var object struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(text, &object) == nil && object.URL != "" {
		return pixel.ParseTarget(object.URL)
	}
	if strings.TrimSpace(string(text)) == "" {
		return pixel.Target{}, errors.New("send the URL of a pixel")
	}
	return pixel.ParseTarget(string(text))
}
