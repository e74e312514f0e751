// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

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

// shown is what tests look at in a record.
type shown struct {
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
	Body    map[string]any

	MessageID      string  `json:"message_id"`
	DecodeUS       float64 `json:"decode_us"`
	AnswerUS       float64 `json:"answer_us"`
	UntrustedProxy bool    `json:"untrusted_proxy"`
}

func (s *adminSite) recent(query string) []shown {
	s.t.Helper()
	var answer struct{ Records []shown }
	s.show("/segment_pixel/recent?"+query, &answer)
	return answer.Records
}

// metrics scrapes the admin endpoint.
func (s *adminSite) metrics() map[string]float64 {
	s.t.Helper()
	code, text := s.ask(http.MethodGet, "/metrics", "")
	if code != http.StatusOK {
		s.t.Fatalf("metrics: %d %s", code, text)
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
			s.t.Fatalf("%v in %s", err, line)
		}
		values[line[:end]] = value
	}
	return values
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
