// SPDX-License-Identifier: Apache-2.0

package pixeltest

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
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what a site needs besides the handler
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// Site is a running Caddy with one HTTP port.
type Site struct {
	T    *testing.T
	Dir  string // for the files of the test
	Port int
	URL  string
}

// NewSite reserves a port and a folder. Nothing runs yet. Tests that use it share
// the process's one Caddy, so they do not run in parallel.
func NewSite(t *testing.T) *Site {
	t.Helper()
	s := &Site{T: t, Dir: t.TempDir(), Port: FreePort(t)}
	s.URL = "http://127.0.0.1:" + strconv.Itoa(s.Port)
	t.Setenv("XDG_DATA_HOME", s.Dir) // for spools that are given no directory
	before := goleak.IgnoreCurrent()
	// Caddy's storage looks every few seconds whether a lock has been released.
	lock := goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh")
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
		var leak error
		Eventually(t, "nothing is left running", func() bool {
			leak = goleak.Find(before, lock)
			return leak == nil || t.Failed()
		})
		if leak != nil {
			t.Error(leak)
		}
	})
	return s
}

// Config returns the JSON of a Caddyfile whose one site has this body. The words
// DIR and PORT stand for the folder and the port.
func (s *Site) Config(body string) []byte {
	s.T.Helper()
	return s.Adapt("http://127.0.0.1:PORT {\n" + body + "\n}")
}

// Adapt returns the JSON of a Caddyfile. Its log goes to DIR/caddy.log.
func (s *Site) Adapt(sites string) []byte {
	s.T.Helper()
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
	if before, after, ok := strings.Cut(sites, "GLOBAL{"); ok {
		options, rest, _ := strings.Cut(after, "}GLOBAL")
		text = strings.Replace(text[:len(text)-len(sites)], "GLOBAL", options, 1) + before + rest
	} else {
		text = strings.Replace(text, "GLOBAL", "", 1)
	}
	text = strings.NewReplacer("DIR", s.Dir, "PORT", strconv.Itoa(s.Port)).Replace(text)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		s.T.Fatalf("adapting: %v", err)
	}
	return adapted
}

// Run loads a Caddyfile with this body of its site.
func (s *Site) Run(body string) {
	s.T.Helper()
	s.Load(s.Config(body))
}

// Load loads a configuration.
func (s *Site) Load(config []byte) {
	s.T.Helper()
	if err := caddy.Load(config, true); err != nil {
		s.T.Fatalf("loading: %v", err)
	}
}

// Get sends a pixel and checks that it is answered as every pixel is.
func (s *Site) Get(path string, header ...string) {
	s.T.Helper()
	response, body := s.Do(http.MethodGet, path, header...)
	if response.StatusCode != http.StatusOK || body != pixel.GIF {
		s.T.Fatalf("GET %s: %s with %d bytes", path, response.Status, len(body))
	}
}

// Do sends a request and returns the answer with its body.
func (s *Site) Do(method, path string, header ...string) (*http.Response, string) {
	s.T.Helper()
	request, err := http.NewRequest(method, s.URL+path, http.NoBody)
	if err != nil {
		s.T.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return response, string(body)
}

// Lines reads the JSON lines of a file of the test.
func (s *Site) Lines(name string) []map[string]any {
	s.T.Helper()
	content, err := os.ReadFile(filepath.Join(s.Dir, name))
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		s.T.Fatal(err)
	}
	var lines []map[string]any
	scanner := bufio.NewScanner(bytes.NewReader(content))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, Parse(s.T, scanner.Bytes()))
	}
	return lines
}

// Logged returns the lines of Caddy's log that hold the text in their message.
func (s *Site) Logged(message string) []map[string]any {
	s.T.Helper()
	var found []map[string]any
	for _, line := range s.Lines("caddy.log") {
		if text, _ := line["msg"].(string); strings.Contains(text, message) {
			found = append(found, line)
		}
	}
	return found
}

// Rejected returns the reasons that were logged, in order.
func (s *Site) Rejected() []string {
	s.T.Helper()
	var reasons []string
	for _, line := range s.Logged("rejected") {
		if reason, ok := line["reason"].(string); ok {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}
