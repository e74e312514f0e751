// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// AdminSite is a site whose Caddy has an admin endpoint.
type AdminSite struct {
	*Site
	Admin string // the URL of the endpoint, without a slash at the end
}

// NewAdminSite reserves ports for a site and an admin endpoint. Nothing runs yet.
func NewAdminSite(t *testing.T) *AdminSite {
	t.Helper()
	s := &AdminSite{Site: NewSite(t)}
	s.MoveAdmin()
	t.Cleanup(s.Close)
	return s
}

// Close ends the site and its admin endpoint, which Caddy keeps when it stops.
func (s *AdminSite) Close() {
	if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true); err != nil {
		s.T.Errorf("closing the admin endpoint: %v", err)
	}
}

// MoveAdmin has the next configuration listen elsewhere for the endpoint.
func (s *AdminSite) MoveAdmin() {
	s.Admin = "http://127.0.0.1:" + strconv.Itoa(FreePort(s.T))
}

// Source names a source of this test alone: what the process counts and keeps
// outlives a test.
func Source(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer("/", "_", "=", "_").Replace(t.Name())
}

// Silent has a handler that takes the key k for a source of the test's own and
// discards what comes.
func Silent(t *testing.T) string {
	t.Helper()
	return `segment_pixel {
		write_key k ` + Source(t) + `
		sink writer discard
	}
	`
}

// Track is the target of a pixel that tracks an event of this name.
func Track(name string) string {
	return "/v1/pixel/track?writeKey=k&userId=u&messageId=" + url.QueryEscape("id of "+name) + "&event=" + url.QueryEscape(name)
}

// Shown is what tests look at in a record.
type Shown struct {
	ID      uint64
	Outcome string
	Reason  string
	Detail  string
	Hint    string
	Type    string
	Source  string
	Event   string
	Host    string
	Path    string
	Repairs []string
	Query   string
	Cut     bool
	Missed  int // of an event that says how many others there were
	Body    map[string]any

	MessageID      string  `json:"message_id"`
	DecodeUS       float64 `json:"decode_us"`
	AnswerUS       float64 `json:"answer_us"`
	UntrustedProxy bool    `json:"untrusted_proxy"`
}

// Recent are the records that match a query.
func (s *AdminSite) Recent(query string) []Shown {
	s.T.Helper()
	var answer struct{ Records []Shown }
	s.show("/segment_pixel/recent?"+query, &answer)
	return answer.Records
}

// Metrics scrapes the admin endpoint.
func (s *AdminSite) Metrics() map[string]float64 {
	s.T.Helper()
	code, text := s.Ask(http.MethodGet, "/metrics", "")
	if code != http.StatusOK {
		s.T.Fatalf("metrics: %d %s", code, text)
	}
	values := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			s.T.Fatalf("%v in %s", err, line)
		}
		values[line[:end]] = value
	}
	return values
}

// MoveSite does the same for the site.
func (s *AdminSite) MoveSite() {
	s.Port = FreePort(s.T)
	s.URL = "http://127.0.0.1:" + strconv.Itoa(s.Port)
}

// Run loads a Caddyfile with this body of its site, and with these global options. A
// reload moves the site and the endpoint to other ports: a listener that closes in
// favour of another on the same port may reset what it has not accepted yet.
func (s *AdminSite) Run(options, body string) {
	s.T.Helper()
	s.MoveSite()
	s.MoveAdmin()
	s.RunInPlace(options, body)
}

// RunInPlace does the same without moving.
func (s *AdminSite) RunInPlace(options, body string) {
	s.T.Helper()
	config := Parse(s.T, s.Adapt("GLOBAL{"+options+"}GLOBALhttp://127.0.0.1:PORT {\n"+body+"\n}"))
	config["admin"] = map[string]any{"listen": strings.TrimPrefix(s.Admin, "http://"), "config": map[string]any{"persist": false}}
	text, err := json.Marshal(config)
	if err != nil {
		s.T.Fatal(err)
	}
	s.Load(text)
}

// Ask sends a request to the admin endpoint, and returns the status and the body.
func (s *AdminSite) Ask(method, path, body string) (int, []byte) {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.T.Context(), method, s.Admin+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return response.StatusCode, text
}

// show asks for JSON that has to be there.
func (s *AdminSite) show(path string, into any) {
	s.T.Helper()
	code, text := s.Ask(http.MethodGet, path, "")
	if code != http.StatusOK {
		s.T.Fatalf("%s: %d %s", path, code, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.T.Fatalf("%s: %v in %s", path, err, text)
	}
}
