// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"net/url"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	segmentpixel "github.com/segmentpixel/caddy-segment-pixel"
)

func TestPixelURL(t *testing.T) {
	got := pixelURL("https://example.com", "/v1/pixel", `key"1`)
	parsed, err := url.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://example.com/v1/pixel/track"; parsed.Scheme+"://"+parsed.Host+parsed.Path != want {
		t.Errorf("got URL %s, want it to begin with %s", got, want)
	}
	data, err := base64.RawURLEncoding.DecodeString(parsed.Query().Get("data"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"writeKey":"key\"1","anonymousId":"quickstart","event":"Pixel Tried"}`; string(data) != want {
		t.Errorf("the URL carries %s, want %s", data, want)
	}
}

func TestOrigin(t *testing.T) {
	for name, test := range map[string]struct {
		addresses []string
		policies  bool
		host      string
		want      string
	}{
		"nothing known":           {nil, false, "", "http://localhost"},
		"port":                    {[]string{":8080"}, false, "", "http://localhost:8080"},
		"usual HTTP port":         {[]string{":80"}, false, "", "http://localhost"},
		"usual HTTPS port":        {[]string{":443"}, true, "", "https://localhost"},
		"port 443 behind a proxy": {[]string{":443"}, false, "example.com", "https://example.com"},
		"TLS on another port":     {[]string{":8443"}, true, "example.com", "https://example.com:8443"},
		"never TLS on port 80":    {[]string{":80"}, true, "example.com", "http://example.com"},
		"address":                 {[]string{"192.0.2.7:8080"}, false, "", "http://192.0.2.7:8080"},
		"every address":           {[]string{"0.0.0.0:8080"}, false, "", "http://localhost:8080"},
		"every IPv6 address":      {[]string{"[::]:8080"}, false, "", "http://localhost:8080"},
		"IPv6 address":            {[]string{"[2001:db8::1]:80"}, false, "", "http://[2001:db8::1]"},
		"host before address":     {[]string{"192.0.2.7:8080"}, false, "example.com", "http://example.com:8080"},
		"not a Unix socket":       {[]string{"unix//run/caddy.sock", ":8080"}, false, "", "http://localhost:8080"},
		"first of a range":        {[]string{":8080-8085"}, false, "", "http://localhost:8080"},
	} {
		t.Run(name, func(t *testing.T) {
			l := listenerOf(test.addresses)
			l.tls = l.servesTLS(test.policies, 0, 0)
			if got := l.origin(test.host); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestOriginWithOtherPorts(t *testing.T) {
	l := listener{port: 8443}
	l.tls = l.servesTLS(false, 8080, 8443)
	if got, want := l.origin(""), "https://localhost:8443"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	l = listener{port: 8080}
	l.tls = l.servesTLS(true, 8080, 8443)
	if got, want := l.origin(""), "http://localhost:8080"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPixelURLs(t *testing.T) {
	t.Setenv("SEGMENT_PIXEL_TEST_KEY", "from-the-environment")
	handler := func(key string, prefixes ...string) *segmentpixel.Handler {
		return &segmentpixel.Handler{WriteKeys: []segmentpixel.WriteKey{{Key: key}, {Key: "second"}}, PathPrefixes: prefixes}
	}
	route := func(handlers ...caddyhttp.MiddlewareHandler) caddyhttp.Route {
		return caddyhttp.Route{Handlers: handlers}
	}
	on := func(r caddyhttp.Route, hosts ...string) caddyhttp.Route {
		r.MatcherSets = caddyhttp.MatcherSets{{new(caddyhttp.MatchPath), (*caddyhttp.MatchHost)(&hosts)}}
		return r
	}
	sub := func(routes ...caddyhttp.Route) *caddyhttp.Subroute { return &caddyhttp.Subroute{Routes: routes} }

	app := &caddyhttp.App{Servers: map[string]*caddyhttp.Server{
		"srv0": {
			Listen:          []string{":443"},
			TLSConnPolicies: caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)},
			Routes: caddyhttp.RouteList{
				on(route(sub(
					route(new(rewrite.Rewrite)),
					route(sub(route(handler("nested", "/e/", "/v1/pixel")))),
				)), "*.example.com", "{env.HOST}", "px.example.com"),
				on(route(handler("wildcard")), "*.example.org"),
				route(&segmentpixel.Handler{WriteKeyFiles: []string{"keys"}}),
			},
		},
		"srv1": {
			Listen: []string{":8080"},
			Routes: caddyhttp.RouteList{
				route(sub(
					route(&rewrite.Rewrite{StripPathPrefix: "/px"}),
					route(handler("stripped", "/")),
				)),
				route(new(rewrite.Rewrite), handler("{env.SEGMENT_PIXEL_TEST_KEY}")),
				route(handler("{env.SEGMENT_PIXEL_TEST_KEY}")),
			},
		},
	}}
	want := []string{
		pixelURL("https://px.example.com", "/e", "nested"),
		pixelURL("https://localhost", "/v1/pixel", "wildcard"),
		pixelURL("http://localhost:8080", "/px", "stripped"),
		pixelURL("http://localhost:8080", "/v1/pixel", "from-the-environment"),
	}
	if got := pixelURLs(app); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
