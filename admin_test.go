// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// adminSite is a site whose Caddy has an admin endpoint.
type adminSite struct {
	*site
	admin string // the URL of the endpoint, without a slash at the end
}

func newAdminSite(t *testing.T) *adminSite {
	t.Helper()
	s := &adminSite{site: newSite(t)}
	s.moveAdmin()
	t.Cleanup(func() {
		// Caddy keeps its admin endpoint when it stops. This one is told to go.
		if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true); err != nil {
			t.Errorf("closing the admin endpoint: %v", err)
		}
	})
	return s
}

// moveAdmin has the next configuration listen elsewhere for the endpoint.
func (s *adminSite) moveAdmin() {
	s.admin = "http://127.0.0.1:" + strconv.Itoa(freePort(s.t))
}

// moveSite does the same for the site.
func (s *adminSite) moveSite() {
	s.port = freePort(s.t)
	s.url = "http://127.0.0.1:" + strconv.Itoa(s.port)
}

// run loads a Caddyfile with this body of its site, and with these global options. A
// reload moves the site and the endpoint to other ports: a listener that closes in
// favour of another on the same port may reset what it has not accepted yet.
func (s *adminSite) run(options, body string) {
	s.t.Helper()
	s.moveSite()
	s.moveAdmin()
	s.runInPlace(options, body)
}

// runInPlace does the same without moving.
func (s *adminSite) runInPlace(options, body string) {
	s.t.Helper()
	config := parse(s.t, s.adapt("GLOBAL{"+options+"}GLOBALhttp://127.0.0.1:PORT {\n"+body+"\n}"))
	config["admin"] = map[string]any{"listen": strings.TrimPrefix(s.admin, "http://"), "config": map[string]any{"persist": false}}
	text, err := json.Marshal(config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.load(text)
}

// ask sends a request to the admin endpoint, and returns the status and the body.
func (s *adminSite) ask(method, path, body string) (int, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.admin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, text
}

// show asks for JSON that has to be there.
func (s *adminSite) show(path string, into any) {
	s.t.Helper()
	code, text := s.ask(http.MethodGet, path, "")
	if code != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, code, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("%s: %v in %s", path, err, text)
	}
}

// source names a source of this test alone: what the process counts and keeps
// outlives a test.
func source(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer("/", "_", "=", "_").Replace(t.Name())
}

// silent has a handler that takes the key k for a source of the test's own and
// discards what comes.
func silent(t *testing.T) string {
	t.Helper()
	return `segment_pixel {
		write_key k ` + source(t) + `
		sink writer discard
	}
	`
}

// unique is an event name that is in no other test.
func track(name string) string {
	return "/v1/pixel/track?writeKey=k&userId=u&messageId=" + url.QueryEscape("id of "+name) + "&event=" + url.QueryEscape(name)
}

func TestAdminRefuses(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{http.MethodPost, "/segment_pixel/status", http.StatusMethodNotAllowed},
		{http.MethodGet, "/segment_pixel/explain", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/segment_pixel/recent", http.StatusMethodNotAllowed},
		{http.MethodGet, "/segment_pixel/nothing", http.StatusNotFound},
		{http.MethodGet, "/segment_pixel/live?type=click", http.StatusBadRequest},
		{http.MethodHead, "/segment_pixel/status", http.StatusOK},
		{http.MethodGet, "/segment_pixel/health/live", http.StatusOK},
	} {
		if code, text := s.ask(test.method, test.path, ""); code != test.code {
			t.Errorf("%s %s: %d %s", test.method, test.path, code, text)
		}
	}
}

func TestPage(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	response, err := http.Get(s.admin + "/segment_pixel/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" || !bytes.Contains(text, []byte("<!DOCTYPE html>")) {
		t.Errorf("got %s: %.100s", got, text)
	}
	policy := response.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || strings.Count(policy, "sha256-") != 2 {
		t.Errorf("the policy is %s", policy)
	}
	for _, element := range []string{"\n<script", "\n<style", "\n</script", "\n</style"} {
		if bytes.Count(text, []byte(element)) != 1 {
			t.Errorf("the page has not one %s, and the policy no other", strings.TrimSpace(element))
		}
	}
}
