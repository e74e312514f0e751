// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// judgement is what one of several handlers makes of a request.
type judgement struct {
	handler   int // its index, or noHandler
	typ       pixel.Type
	facts     pixel.Facts
	source    string
	rejection *pixel.Rejection // nil if the request becomes an event
	repairs   pixel.Repair
}

const noHandler = -1

// judge has the handlers decode a request, and returns the judgement of the first whose
// path prefix and write key fit. If none knows the key, the first with the prefix
// decides. A request with no path is taken for one of the type bare.
func judge(handlers []handlerView, logged loggedRequest, bare pixel.Type) judgement {
	first := judgement{handler: noHandler}
	for i, h := range handlers {
		typ, under := bare, true
		if logged.URL.Path != "" {
			typ, under = h.Route(logged.URL.Path)
		}
		if !under {
			continue
		}
		v := judgeBy(h, logged, typ)
		v.handler = i
		if v.rejection == nil || v.rejection.Reason != pixel.UnknownWriteKey {
			return v
		}
		if first.handler == noHandler {
			first = v
		}
	}
	return first
}

func judgeBy(h handlerView, logged loggedRequest, typ pixel.Type) judgement {
	v := judgement{typ: typ, facts: h.Facts(logged.Request)}
	if !logged.at.IsZero() {
		v.facts.Received = logged.at
	}
	event, rejection := h.Decode(logged.Request, typ, &v.facts)
	if rejection != nil {
		v.rejection, v.source = rejection, rejection.Source
		return v
	}
	v.source, v.repairs = event.Source, event.Repairs
	event.Release()
	return v
}

// isPixel tells whether a method is that of a request that the handler decodes or
// rejects. Others are answered and are no events, on purpose.
func isPixel(method string) bool {
	return method != http.MethodHead && method != http.MethodOptions
}

// mostPath is how much of a path is shown, in bytes.
const mostPath = 200

// explain tells step by step what came to a judgement.
func (v judgement) explain(handlers []handlerView, logged loggedRequest) *pixel.Explanation {
	path := strings.ToValidUTF8(cmp.Or(logged.URL.Path, "no path"), "\ufffd")
	if len(path) > mostPath {
		path = strings.ToValidUTF8(path[:mostPath], "") + "..."
	}
	if v.handler == noHandler {
		detail := fmt.Sprintf("%s is under none of the path prefixes: %s; the request goes to the next handler", path, strings.Join(allPrefixes(handlers), ", "))
		x := pixel.ExplainRejection(pixel.Reject(pixel.UnknownRoute, detail, pixel.NoType, "", &v.facts))
		x.Steps = append(x.Steps, pixel.Step{Name: pixel.StepRoute, Detail: detail})
		return x
	}
	if r := v.rejection; r != nil && (r.Reason == pixel.Method || r.Reason == pixel.UnknownRoute) {
		x := pixel.ExplainRejection(r)
		x.Steps = append(x.Steps, pixel.Step{Name: pixel.StepRoute, Detail: fmt.Sprintf("%s: %s %s", r.Detail, logged.Method, path)})
		return x
	}
	route := fmt.Sprintf("%s %s is a pixel of the type %s", logged.Method, path, v.typ)
	if logged.URL.Path == "" {
		route = "no path is given: taken for a pixel of the type " + v.typ.String()
	}
	x := handlers[v.handler].Decoder().Explain(v.typ, logged.URL.RawQuery, &v.facts)
	x.Steps = append([]pixel.Step{{Name: pixel.StepRoute, OK: true, Detail: route}}, x.Steps...)
	return x
}

// allPrefixes lists the path prefixes of all handlers, each once.
func allPrefixes(handlers []handlerView) []string {
	var all []string
	seen := make(map[string]bool)
	for _, h := range handlers {
		for _, prefix := range h.Options().PathPrefixes {
			if !seen[prefix] {
				seen[prefix] = true
				all = append(all, prefix)
			}
		}
	}
	return all
}
