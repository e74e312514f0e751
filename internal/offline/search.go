// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
)

// findHandlers finds the handlers in the configuration of the app http.
func findHandlers(app json.RawMessage) ([]Handler, error) {
	if len(app) == 0 {
		return nil, nil
	}
	var found []Handler
	err := eachMember(app, func(name string, value json.RawMessage) error {
		if name != "servers" {
			return nil
		}
		return eachMember(value, func(name string, value json.RawMessage) error {
			server := httpServer{Name: name}
			if err := json.Unmarshal(value, &server); err != nil {
				return err
			}
			if server.MaxHeaderBytes <= 0 {
				server.MaxHeaderBytes = handlers.DefaultMaxHeaderBytes
			}
			s := handlerSearch{server: server, found: &found}
			return s.walk(value)
		})
	})
	return found, err
}

// handlerSearch looks for handlers wherever they may stand: in subroutes, in named
// routes, in routes for errors, in handlers of plugins.
type handlerSearch struct {
	server httpServer
	hosts  []string
	way    way
	found  *[]Handler
}

func (s handlerSearch) walk(value json.RawMessage) error {
	switch jsontext.Value(value).Kind() {
	case '[':
		return eachElement(value, s.walk)
	case '{':
	default:
		return nil
	}
	var object struct {
		Handler any `json:"handler"`
		Match   any `json:"match"`
	}
	if err := json.Unmarshal(value, &object); err != nil {
		return err
	}
	if object.Handler == "segment_pixel" {
		raw, err := withoutMember(value, "handler")
		*s.found = append(*s.found, Handler{raw: raw, Server: s.server, hosts: s.hosts, way: s.way})
		return err
	}
	if hosts := matchedHosts(object.Match); len(hosts) > 0 {
		s.hosts = hosts
	}
	s.way = s.way.into(object.Match)
	return eachMember(value, func(name string, value json.RawMessage) error {
		if isList := jsontext.Value(value).Kind() == '['; isList && (name == "handle" || name == "routes") {
			return s.walkInTurn(value)
		}
		return s.walk(value)
	})
}

// walkInTurn walks the handlers of a route, or routes, of which each has the request as
// those before it have left it.
func (s handlerSearch) walkInTurn(value json.RawMessage) error {
	return eachElement(value, func(element json.RawMessage) error {
		s.way = s.way.behind(element)
		return s.walk(element)
	})
}

// matchedHosts are the hosts that the matcher sets of a route name.
func matchedHosts(match any) []string {
	var hosts []string
	sets, _ := match.([]any)
	for _, set := range sets {
		matchers, _ := set.(map[string]any)
		list, _ := matchers["host"].([]any)
		for _, host := range list {
			if name, ok := host.(string); ok {
				hosts = append(hosts, name)
			}
		}
	}
	return hosts
}

func withoutMember(object json.RawMessage, name string) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	delete(members, name)
	return json.Marshal(members)
}

// eachMember visits the members of a JSON object in their order.
func eachMember(object json.RawMessage, visit func(name string, value json.RawMessage) error) error {
	if jsontext.Value(object).Kind() != '{' {
		return nil
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return err
		}
		text := name.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		if err := visit(text, json.RawMessage(value.Clone())); err != nil {
			return err
		}
	}
	return nil
}

// eachElement visits the elements of a JSON array.
func eachElement(array json.RawMessage, visit func(json.RawMessage) error) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(array, &elements); err != nil {
		return err
	}
	for _, element := range elements {
		if err := visit(element); err != nil {
			return err
		}
	}
	return nil
}
