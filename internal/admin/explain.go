// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
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
	c := handlers.Running.InForce()
	if c == nil {
		return badRequest(errors.New("no configuration with segment_pixel runs"))
	}
	request := accesslog.Request{Request: accesslog.NewRequest(target)}
	if !handlers.IsPixel(request.Method) {
		return badRequest(fmt.Errorf("%s is answered, but makes no event and is not rejected", request.Method))
	}
	v := handlers.Judge(c.Handlers, request, pixel.Track)
	return answerJSON(w, http.StatusOK, explained{v.Explain(c.Handlers, request), v.Handler})
}

func readTarget(body io.Reader) (link.Target, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxExplained+1))
	if err != nil {
		return link.Target{}, err
	}
	if len(text) > maxExplained {
		return link.Target{}, fmt.Errorf("the text is longer than %d bytes", maxExplained)
	}
	var object struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(text, &object) == nil && object.URL != "" {
		return link.Parse(object.URL)
	}
	if strings.TrimSpace(string(text)) == "" {
		return link.Target{}, errors.New("send the URL of a pixel")
	}
	return link.Parse(string(text))
}
