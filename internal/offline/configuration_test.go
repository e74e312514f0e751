// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// configFile writes a Caddyfile or, by its name, JSON, into a folder of the test.
func configFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadHandlersFindsEachInItsPlace(t *testing.T) {
	dir := t.TempDir()
	file := configFile(t, "Caddyfile", `{
	admin 127.0.0.1:1
	log {
		output file `+dir+`/caddy.log
	}
	servers :8443 {
		max_header_size 64KiB
		trusted_proxies static private_ranges
	}
}
a.example.com, b.example.com {
	segment_pixel {
		write_key KEY_A a
	}
	reverse_proxy 127.0.0.1:1 {
		health_uri /
	}
}
:8443 {
	tls `+dir+`/none.crt `+dir+`/none.key
	handle_path /t/* {
		segment_pixel {
			write_key KEY_B b
			path_prefix /
			sink jetstream nats://127.0.0.1:1 {
				spool `+dir+`/spool
			}
		}
	}
}
`)
	handlers, release, err := FindHandlers(t.Context(), file, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var found []string
	for _, h := range handlers {
		found = append(found, fmt.Sprintln(h.Server.Name, h.hosts, h.Options().PathPrefixes, h.Server.MaxHeaderBytes,
			len(h.Server.TrustedProxies) > 0, len(h.Sinks())))
	}
	want := []string{
		"srv0 [a.example.com b.example.com] [/v1/pixel] 16384 false 1\n",
		"srv1 [] [/] 65536 true 1\n",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}

	// They decode, as they would when they run.
	for i, key := range []string{"KEY_A", "KEY_B"} {
		facts := pixel.Facts{Received: time.Now()}
		event, rejection := handlers[i].Decoder().Decode(pixel.Identify, "userId=u&writeKey="+key, &facts)
		if rejection != nil {
			t.Errorf("handler %d rejects %s: %s", i, key, rejection.Reason)
			continue
		}
		event.Release()
	}

	// Nothing has been opened or written.
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestLoadHandlersFromAnyConfiguration(t *testing.T) {
	const handler = `{"handler":"segment_pixel","@id":"here","write_keys":[{"key":"k"}]}`
	routes := map[string]string{
		"route":       `"routes":[{"handle":[%s]}]`,
		"subroute":    `"routes":[{"match":[{"host":["x"]}],"handle":[{"handler":"subroute","routes":[{"handle":[%s]}]}]}]`,
		"named route": `"named_routes":{"n":{"handle":[%s]}}`,
		"error route": `"errors":{"routes":[{"handle":[%s]}]}`,
	}
	for name, place := range routes {
		t.Run(name, func(t *testing.T) {
			file := configFile(t, "caddy.json", `{"apps":{"http":{"servers":{"s":{`+fmt.Sprintf(place, handler)+`}}}}}`)
			handlers, release, err := FindHandlers(t.Context(), file, "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			if len(handlers) != 1 || handlers[0].Handler == nil {
				t.Errorf("found %v", handlers)
			}
		})
	}
}

func TestLoadHandlersRefuses(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"a typo", "Caddyfile", ":80 {\n\tsegment_pixel {\n\t\twrite_kee k\n\t}\n}", "Caddyfile:3"},
		{"an unusable value", "caddy.json",
			`{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"segment_pixel"}]}]}}}}}`, "server s: loading handler module 'segment_pixel': http.handlers.segment_pixel: invalid configuration: write_key is missing"},
		{"an unknown option", "caddy.json",
			`{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"segment_pixel","sink":1}]}]}}}}}`, `unknown field "sink"`},
		{"no handler", "Caddyfile", ":80\nrespond hello", "has no segment_pixel handler"},
		{"no HTTP", "caddy.json", `{}`, "has no segment_pixel handler"},
		{"no JSON", "caddy.json", `{`, "is not valid JSON"},
		{"no object", "caddy.json", `[]`, "decoding config"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := FindHandlers(t.Context(), configFile(t, test.file, test.text), "", "")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}

	t.Run("no file", func(t *testing.T) {
		t.Chdir(t.TempDir())
		_, _, err := FindHandlers(t.Context(), "", "", "127.0.0.1:1")
		if err == nil || !strings.Contains(err.Error(), "--config") {
			t.Errorf("error %v", err)
		}
	})
}

func TestLoadHandlersOfARunningCaddy(t *testing.T) {
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/config/" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprint(w, `{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"segment_pixel","write_keys":[{"key":"k"}]}]}]}}}}}`)
	}))
	defer admin.Close()
	running, err := LoadRunning(t.Context(), admin.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer running.Release()
	if len(running.Handlers) != 1 {
		t.Errorf("found %v", running.Handlers)
	}

	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := nobody.Addr().String()
	nobody.Close()
	if _, err = LoadRunning(t.Context(), address); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("error %v", err)
	}
}
