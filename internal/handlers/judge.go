// SPDX-License-Identifier: Apache-2.0

package handlers

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Judgement is what one of several handlers makes of a request.
type Judgement struct {
	Handler   int // its index, or noHandler
	Type      pixel.Type
	facts     pixel.Facts
	Source    string
	Rejection *pixel.Rejection // nil if the request becomes an event
	Repairs   pixel.Repair
}

// NoHandler stands for the index of a handler where none takes the path.
const NoHandler = -1

// Judge has the handlers decode a request, and returns the judgement of the first whose
// path prefix and write key fit. If none knows the key, the first with the prefix
// decides. A request with no path is taken for one of the type bare.
func Judge(handlers []Handler, logged accesslog.Request, bare pixel.Type) Judgement {
	first := Judgement{Handler: NoHandler}
	for i, h := range handlers {
		typ, under := bare, true
		if logged.URL.Path != "" {
			typ, under = h.Route(logged.URL.Path)
		}
		if !under {
			continue
		}
		v := judgeBy(h, logged, typ)
		v.Handler = i
		if v.Rejection == nil || v.Rejection.Reason != pixel.UnknownWriteKey {
			return v
		}
		if first.Handler == NoHandler {
			first = v
		}
	}
	return first
}

func judgeBy(h Handler, logged accesslog.Request, typ pixel.Type) Judgement {
	v := Judgement{Type: typ, facts: h.Facts(logged.Request)}
	if !logged.At.IsZero() {
		v.facts.Received = logged.At
	}
	event, rejection := h.Decode(logged.Request, typ, &v.facts)
	if rejection != nil {
		v.Rejection, v.Source = rejection, rejection.Source
		return v
	}
	v.Source, v.Repairs = event.Source, event.Repairs
	event.Release()
	return v
}

// IsPixel tells whether a method is that of a request that the handler decodes or
// rejects. Others are answered and are no events, on purpose.
func IsPixel(method string) bool {
	return method != http.MethodHead && method != http.MethodOptions
}

// mostPath is how much of a path is shown, in bytes.
const mostPath = 200

// Explain tells step by step what came to a judgement.
func (v Judgement) Explain(handlers []Handler, logged accesslog.Request) *pixel.Explanation {
	path := strings.ToValidUTF8(cmp.Or(logged.URL.Path, "no path"), "\ufffd")
	if len(path) > mostPath {
		path = strings.ToValidUTF8(path[:mostPath], "") + "..."
	}
	if v.Handler == NoHandler {
		detail := fmt.Sprintf("%s is under none of the path prefixes: %s; the request goes to the next handler", path, strings.Join(AllPrefixes(handlers), ", "))
		x := pixel.ExplainRejection(pixel.Reject(pixel.UnknownRoute, detail, pixel.NoType, "", &v.facts))
		x.Steps = append(x.Steps, pixel.Step{Name: pixel.StepRoute, Detail: detail})
		return x
	}
	if r := v.Rejection; r != nil && (r.Reason == pixel.Method || r.Reason == pixel.UnknownRoute) {
		x := pixel.ExplainRejection(r)
		x.Steps = append(x.Steps, pixel.Step{Name: pixel.StepRoute, Detail: fmt.Sprintf("%s: %s %s", r.Detail, logged.Method, path)})
		return x
	}
	route := fmt.Sprintf("%s %s is a pixel of the type %s", logged.Method, path, v.Type)
	if logged.URL.Path == "" {
		route = "no path is given: taken for a pixel of the type " + v.Type.String()
	}
	x := handlers[v.Handler].Decoder().Explain(v.Type, logged.URL.RawQuery, &v.facts)
	x.Steps = append([]pixel.Step{{Name: pixel.StepRoute, OK: true, Detail: route}}, x.Steps...)
	return x
}

// AllPrefixes lists the path prefixes of all handlers, each once.
func AllPrefixes(handlers []Handler) []string {
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
