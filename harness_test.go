// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// site is a running Caddy with one HTTP port.
type site struct {
	t    *testing.T
	dir  string // for the files of the test
	port int
	url  string
}

// newSite reserves a port and a folder. Nothing runs yet. Tests that use it share
// the process's one Caddy, so they do not run in parallel.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), port: freePort(t)}
	s.url = "http://127.0.0.1:" + strconv.Itoa(s.port)
	t.Setenv("XDG_DATA_HOME", s.dir) // for spools that are given no directory
	before := goleak.IgnoreCurrent()
	// Caddy's storage looks every few seconds whether a lock has been released.
	lock := goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh")
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
		var leak error
		eventually(t, "nothing is left running", func() bool {
			leak = goleak.Find(before, lock)
			return leak == nil || t.Failed()
		})
		if leak != nil {
			t.Error(leak)
		}
	})
	return s
}

// config returns the JSON of a Caddyfile whose one site has this body. The words
// DIR and PORT stand for the folder and the port.
func (s *site) config(body string) []byte {
	s.t.Helper()
	return s.adapt("http://127.0.0.1:PORT {\n" + body + "\n}")
}

// adapt returns the JSON of a Caddyfile. Its log goes to DIR/caddy.log.
func (s *site) adapt(sites string) []byte {
	s.t.Helper()
	text := `{
		admin off
		persist_config off
		storage file_system DIR/storage
		skip_install_trust
		auto_https disable_redirects
		log default {
			output file DIR/caddy.log {
				roll_disabled
			}
			level DEBUG
		}
		GLOBAL
	}
	` + sites
	if i := strings.Index(sites, "GLOBAL{"); i >= 0 {
		options, rest, _ := strings.Cut(sites[i+len("GLOBAL{"):], "}GLOBAL")
		text = strings.Replace(text[:len(text)-len(sites)], "GLOBAL", options, 1) + sites[:i] + rest
	} else {
		text = strings.Replace(text, "GLOBAL", "", 1)
	}
	text = strings.NewReplacer("DIR", s.dir, "PORT", strconv.Itoa(s.port)).Replace(text)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		s.t.Fatalf("adapting: %v", err)
	}
	return adapted
}

// run loads a Caddyfile with this body of its site.
func (s *site) run(body string) {
	s.t.Helper()
	s.load(s.config(body))
}

func (s *site) load(config []byte) {
	s.t.Helper()
	if err := caddy.Load(config, true); err != nil {
		s.t.Fatalf("loading: %v", err)
	}
}

// get sends a pixel and checks that it is answered as every pixel is.
func (s *site) get(path string, header ...string) {
	s.t.Helper()
	response, body := s.do(http.MethodGet, path, header...)
	if response.StatusCode != http.StatusOK || body != pixel.GIF {
		s.t.Fatalf("GET %s: %s with %d bytes", path, response.Status, len(body))
	}
}

func (s *site) do(method, path string, header ...string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

// lines reads the JSON lines of a file of the test.
func (s *site) lines(name string) []map[string]any {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		s.t.Fatal(err)
	}
	var lines []map[string]any
	scanner := bufio.NewScanner(bytes.NewReader(content))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, parse(s.t, scanner.Bytes()))
	}
	return lines
}

// logged returns the lines of Caddy's log that hold the text in their message.
func (s *site) logged(message string) []map[string]any {
	s.t.Helper()
	var found []map[string]any
	for _, line := range s.lines("caddy.log") {
		if text, _ := line["msg"].(string); strings.Contains(text, message) {
			found = append(found, line)
		}
	}
	return found
}

// rejected returns the reasons that were logged, in order.
func (s *site) rejected() []string {
	s.t.Helper()
	var reasons []string
	for _, line := range s.logged("rejected") {
		if reason, ok := line["reason"].(string); ok {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}
