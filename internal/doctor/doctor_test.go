// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func TestDoctorCommand(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	file := pixeltest.WriteCaddyfile(t, `segment_pixel {
		write_key KEY web
		sink jetstream `+b.Server.ClientURL()+`
		sink writer stdout
	}`)

	pixeltest.Execute(t, command.NewDoctor(), "--config", file).Want(0,
		"handler 1 (127.0.0.1, /v1/pixel)\n",
		"  ok       write keys: 1, for web\n",
		"  ok       request size: requests of 64 KiB are taken",
		"  skipped  client IP: trusted_proxies is not set",
		"           -> if there is a proxy or a CDN in front",
		"sink jetstream of handler 1\n",
		"  ok       stream: SEGMENT takes segment.events.>",
		"sink writer of handler 1\n  ok       sink: nothing to check\n",
		"its admin API is off",
		"no problems, no warnings\n",
	)

	b.Server.Shutdown()
	e := pixeltest.Execute(t, command.NewDoctor(), "--config", file, "--json")
	e.Want(5)
	var report struct {
		Problems, Warnings int
		Checks             []struct{ About, Check, Mark, Found, Remedy string }
	}
	if err := json.Unmarshal([]byte(e.Out), &report); err != nil {
		t.Fatalf("%v in %s", err, e.Out)
	}
	if report.Problems != 1 || report.Warnings != 0 {
		t.Errorf("%d problems and %d warnings", report.Problems, report.Warnings)
	}
	for _, check := range report.Checks {
		if check.Mark == "problem" && (check.About != "sink jetstream of handler 1" || check.Check != "NATS "+b.Server.ClientURL() || check.Remedy == "") {
			t.Errorf("the problem is %+v", check)
		}
	}
}

func TestDoctorCommandLooksOnceAtSinksThatAreAlike(t *testing.T) {
	const handler = "segment_pixel {\nwrite_key KEY web\nsink test_examined\n%}"
	file := pixeltest.WriteCaddyfile(t, "handle /a/* {\n"+strings.Replace(handler, "%", "path_prefix /a\n", 1)+"\n}\n"+
		"handle /b/* {\n"+strings.Replace(handler, "%", "path_prefix /b\n", 1)+"\n}\n"+
		"handle /c/* {\n"+strings.Replace(handler, "%", "path_prefix /c\nmax_event_size 1KiB\n", 1)+"\n}\n")
	pixeltest.Execute(t, command.NewDoctor(), "--config", file).Want(5,
		"sink test_examined of handlers 1, 2\n  problem  queue: an event of 32768 bytes is too large\n           -> write smaller events\n",
		"sink test_examined of handler 3\n  problem  queue: an event of 1024 bytes is too large\n",
		"2 problems, no warnings\n")
}

func TestDoctorCommandChecksTheHandler(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		name, keys, body string
		code             int
		words            string
	}{
		{"key files", "K1 docs\nK2 web\nK3 docs\n", "write_keys DIR/keys", 0, "ok       write keys: 3, for docs, web"},
		{"no key file", "", "write_keys DIR/none", 5, "problem  write keys: write_keys file DIR/none: no such file"},
		{"an empty key file", "# none yet\n", "write_keys DIR/keys", 5, "problem  write keys: the files hold no write key"},
		{"a bad key file", "K1\n", "write_keys DIR/keys", 5, "line 1: write a key and a source"},
		{"large events", "K1 web\n", "write_keys DIR/keys\nmax_event_size 64KiB", 0, "max_header_size 87KiB"},
		{"no client IP", "K1 web\n", "write_keys DIR/keys\nclient_ip off", 0, "ok       client IP: client_ip is off"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "keys"), []byte(test.keys), 0o600); err != nil {
				t.Fatal(err)
			}
			file := pixeltest.WriteCaddyfile(t, "segment_pixel {\n"+strings.ReplaceAll(test.body, "DIR", dir)+"\n}")
			pixeltest.Execute(t, command.NewDoctor(), "--config", file).Want(test.code, strings.ReplaceAll(test.words, "DIR", dir))
		})
	}
}

func TestDoctorCommandAsksTheCaddyThatRuns(t *testing.T) {
	const (
		config  = `{"apps":{"http":{"servers":{"srv0":{TRUSTED "max_header_bytes":65536,"routes":[{"handle":[{"handler":"segment_pixel","write_keys":[{"key":"k"}]}]}]}}}}}`
		claims  = `"check":"client IP","mark":"warning","found":"12 of 20 requests came through a proxy that trusted_proxies does not name","remedy"`
		proxied = `"untrusted_proxy":12,"checks":[{"about":"handler 1",` + claims + `:"set trusted_proxies"}],"problems":["handler 1: 12 of 20 requests came through a proxy that trusted_proxies does not name: set trusted_proxies"],
			"handlers":[{"path_prefixes":["/v1/pixel"],"sources":["default"],
			"problems":["12 of 20 requests came through a proxy that trusted_proxies does not name: set trusted_proxies"]}]`
		fine = `{"ready":true,"running_since":"2026-11-23T12:00:00Z","outcomes":{"accepted":7,"rejected":{"no_data":2,"dnt":1}}}`
	)
	for _, test := range []struct {
		name, trusted, status string
		code                  int
		words                 []string
	}{
		{"fine", "", fine, 0, []string{"7 accepted, 3 rejected, 0 dropped, 0 failed, since 2026", "; rejected for 2 no_data, 1 dnt\n", "no request has come through a proxy", "ok       status: it is ready\n"}},
		{"no status", "", "", 0, []string{"skipped  status: it does not tell what it has seen: caddy responded with error: HTTP 404"}},
		{"no JSON", "", "no", 0, []string{"skipped  status"}},
		{"dropped events", "", `{"ready":true,"outcomes":{"dropped":2}}`, 0, []string{"warning  events: 0 accepted, 0 rejected, 2 dropped"}},
		{"a proxy", "", `{"ready":true,PROXY}`, 0, []string{"warning  client IP: 12 of 20 requests came through a", "-> set trusted_proxies\n", "no problems, 1 warning"}},
		{"another proxy", `"trusted_proxies":{"source":"static","ranges":["10.0.0.0/8"]},`, `{"ready":true,PROXY}`, 0,
			[]string{"warning  client IP: 12 of 20 requests", "no problems, 1 warning"}},
		{"the proxy of another handler", "", `{"ready":true,"checks":[{"about":"handler 2",` + claims + `:"do"}],"problems":["handler 2: 12 of 20 requests came through a proxy that trusted_proxies does not name: do"]}`, 0,
			[]string{"no request has come through a proxy", "warning  client IP: 12 of 20 requests", "no problems, 1 warning"}},
		{"a forged header", "", `{"ready":true,"untrusted_proxy":1}`, 0, []string{"ok       client IP: trusted_proxies is not set, and 1 request claimed", "no problems, no warnings"}},
		{"forged headers", "", `{"ready":true,"untrusted_proxy":4}`, 0, []string{"4 requests claimed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := map[string]string{"/config/": strings.Replace(config, "TRUSTED", test.trusted, 1)}
			if test.status != "" {
				answers["/segment_pixel/status"] = strings.Replace(test.status, "PROXY", proxied, 1)
			}
			pixeltest.Execute(t, command.NewDoctor(), "--address", pixeltest.FakeAdmin(t, answers)).Want(test.code, test.words...)
		})
	}
}

func TestDoctorCommandCannotRun(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	bad := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(bad, []byte(":80\nsegment_pixel {\nwrite_kee x\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, words string
		args        []string
	}{
		{"no file", "no such file", []string{"--config", "/nowhere/Caddyfile"}},
		{"a typo", "unrecognized", []string{"--config", bad}},
		{"a silent Caddy", "no answer in time", []string{"--address", silent.Addr().String(), "--timeout", "100ms"}},
		{"a Caddy without a handler", "has no segment_pixel handler", []string{"--address", pixeltest.FakeAdmin(t, map[string]string{"/config/": "null"})}},
		{"no time", "--timeout must be positive", []string{"--timeout", "0s"}},
		{"an argument", "unknown command", []string{"everything"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pixeltest.Execute(t, command.NewDoctor(), test.args...).Want(1, test.words)
		})
	}
}

// examinedSink is a sink of somebody else.
type examinedSink struct{}

func init() { caddy.RegisterModule(examinedSink{}) }

func (examinedSink) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: sinks.Namespace + ".test_examined", New: func() caddy.Module { return new(examinedSink) }}
}

func (examinedSink) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume sink name
	return nil
}

func (examinedSink) Publish(context.Context, *pixel.Event) error { return nil }

func (examinedSink) Examine(_ context.Context, site sinks.Site) []report.Check {
	return []report.Check{{
		Name: "queue", Mark: report.Problem, Remedy: "write smaller events",
		Found: "an event of " + caddy.ToString(site.MaxEventSize) + " bytes is too large",
	}}
}

// Interface guard
var _ sinks.Examiner = examinedSink{}

// TestDoctorWithoutTheVariables looks at a configuration whose write key only the service
// knows: that is one problem, and all the rest is checked.
func TestDoctorWithoutTheVariables(t *testing.T) {
	file := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key {env.PIXEL_TEST_UNSET} web\nwrite_key b mail\nsink writer discard\n}")
	pixeltest.Execute(t, command.NewDoctor(), "--config", file).Want(5,
		"some come from PIXEL_TEST_UNSET, which is not set here", "environment of the service", "nothing to check", "1 problem")
	t.Setenv("PIXEL_TEST_UNSET", "k")
	pixeltest.Execute(t, command.NewDoctor(), "--config", file).Want(0, "2, for mail, web")
}

// TestDoctorWithoutTheSecrets looks at a configuration of which only the service has the
// secrets, whatever they are of: each is a problem of its own.
func TestDoctorWithoutTheSecrets(t *testing.T) {
	file := pixeltest.WriteCaddyfile(t, `segment_pixel {
		write_key k web
		write_keys {file./nowhere/keys}
		seal {env.PIXEL_TEST_UNSET}
		sink jetstream nats://127.0.0.1:1 {
			token {env.PIXEL_TEST_UNSET}
		}
		sink writer discard
	}`)
	got := pixeltest.Execute(t, command.NewDoctor(), "--config", file)
	got.Want(5, "problem  write keys: write_keys file: ", "problem  seal: ", "sink jetstream of handler 1\n  problem  configuration: token: the environment variable PIXEL_TEST_UNSET is not set or empty\n",
		"sink writer of handler 1\n  ok       sink: nothing to check", "3 problems")
}
