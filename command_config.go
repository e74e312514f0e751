// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/go-json-experiment/json/jsontext"
)

// configuredHandler is a handler of a configuration that does not run, and what
// stands around it there.
type configuredHandler struct {
	*Handler
	raw    json.RawMessage // its own configuration, without its module name
	server httpServer
	hosts  []string // those of its site; none means any
}

// httpServer is what matters to a handler of the HTTP server around it.
type httpServer struct {
	Name           string          `json:"-"`
	MaxHeaderBytes int             `json:"max_header_bytes"`
	TrustedProxies json.RawMessage `json:"trusted_proxies"`
}

// defaultMaxHeaderBytes is Caddy's own default.
const defaultMaxHeaderBytes = 16 << 10

// configuration is what of a whole configuration matters to the commands.
type configuration struct {
	handlers []configuredHandler
	release  func()
	admin    string // the address of the admin API
	adminOff bool
}

// loadHandlers returns the segment_pixel handlers of a configuration file, in the
// order in which they stand there, ready to decode but with their sinks not started.
// The file is found and adapted as "caddy run" does it.
func loadHandlers(configFile, adapter string) (handlers []configuredHandler, release func(), err error) {
	c, err := loadConfiguration(configFile, adapter)
	if err != nil {
		return nil, nil, err
	}
	return c.handlers, c.release, nil
}

// errNoConfiguration tells that no file was named and that none is there.
var errNoConfiguration = errors.New("there is no Caddyfile in this folder: name the configuration with --config")

func loadConfiguration(configFile, adapter string) (*configuration, error) {
	ctx, cfg, err := quietContext()
	if err != nil {
		return nil, err
	}
	config, file, _, err := caddycmd.LoadConfig(configFile, adapter)
	if err != nil {
		return nil, err
	}
	if file == "" {
		return nil, errNoConfiguration
	}
	return provisionHandlers(ctx, cfg, config)
}

// loadRunningConfiguration does the same with the configuration of the Caddy whose
// admin API has this address.
func loadRunningConfiguration(ctx context.Context, address string) (*configuration, error) {
	quiet, cfg, err := quietContext()
	if err != nil {
		return nil, err
	}
	config, err := askAdmin(ctx, address, "/config/")
	if err != nil {
		return nil, fmt.Errorf("asking the Caddy at %s for its configuration: %w", address, err)
	}
	return provisionHandlers(quiet, cfg, config)
}

// askAdmin gets something from the admin API of a Caddy that runs. Caddy's own client
// knows all sorts of addresses, but waits for ever.
func askAdmin(ctx context.Context, address, path string) ([]byte, error) {
	type result struct {
		body []byte
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		response, err := caddycmd.AdminAPIRequest(address, http.MethodGet, path, http.Header{"Connection": {"close"}}, nil)
		if err != nil {
			answered <- result{err: err}
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answered <- result{body, err}
	}()
	select {
	case r := <-answered:
		return r.body, r.err
	case <-ctx.Done():
		return nil, errors.New("no answer in time")
	}
}

// quietContext makes a context to provision in. It opens no log but standard error,
// which gets errors alone: what a handler has to say of its configuration it says
// when it is served.
func quietContext() (caddy.Context, *caddy.Config, error) {
	cfg := &caddy.Config{Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {
			BaseLog: caddy.BaseLog{Level: "ERROR"},
			Exclude: []string{"http.handlers.segment_pixel", "segment_pixel"},
		},
	}}}
	ctx, err := caddy.ProvisionContext(cfg)
	return ctx, cfg, err
}

// provisionHandlers provisions what is ours and no more. The rest of the configuration
// may need the rights of the service, and its handlers may begin to work before they
// are started.
func provisionHandlers(ctx caddy.Context, cfg *caddy.Config, config []byte) (*configuration, error) {
	var parsed struct {
		Admin struct {
			Disabled bool   `json:"disabled"`
			Listen   string `json:"listen"`
		} `json:"admin"`
		Apps caddy.ModuleMap `json:"apps"`
	}
	if err := json.Unmarshal(caddy.RemoveMetaFields(config), &parsed); err != nil {
		return nil, fmt.Errorf("decoding config: %w", err)
	}
	handlers, err := findHandlers(parsed.Apps["http"])
	if err != nil {
		return nil, fmt.Errorf("decoding config: %w", err)
	}
	if len(handlers) == 0 {
		return nil, errors.New("the configuration has no segment_pixel handler")
	}
	// An app is loaded when a sink asks for it, with its own configuration.
	cfg.AppsRaw = parsed.Apps
	ctx, cancel := caddy.NewContext(ctx)
	for i := range handlers {
		module, err := ctx.LoadModuleByID("http.handlers.segment_pixel", bytes.Clone(handlers[i].raw))
		if err != nil {
			cancel()
			return nil, fmt.Errorf("server %s: loading handler module 'segment_pixel': %w", handlers[i].server.Name, err)
		}
		handlers[i].Handler = module.(*Handler)
	}
	return &configuration{
		handlers: handlers,
		release:  cancel,
		admin:    cmp.Or(parsed.Admin.Listen, caddy.DefaultAdminListen),
		adminOff: parsed.Admin.Disabled,
	}, nil
}

// findHandlers finds the handlers in the configuration of the app http.
func findHandlers(app json.RawMessage) ([]configuredHandler, error) {
	if len(app) == 0 {
		return nil, nil
	}
	var found []configuredHandler
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
				server.MaxHeaderBytes = defaultMaxHeaderBytes
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
	found  *[]configuredHandler
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
		*s.found = append(*s.found, configuredHandler{raw: raw, server: s.server, hosts: s.hosts})
		return err
	}
	if hosts := matchedHosts(object.Match); len(hosts) > 0 {
		s.hosts = hosts
	}
	return eachMember(value, func(_ string, value json.RawMessage) error { return s.walk(value) })
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
