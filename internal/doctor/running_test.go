// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestDoctorCommandTellsOneCauseOnce has a status repeat what the checks find, or not.
func TestDoctorCommandTellsOneCauseOnce(t *testing.T) {
	const (
		config   = `{"apps":{"http":{"servers":{"srv0":{"max_header_bytes":65536,"routes":[{"handle":[{"handler":"segment_pixel","write_keys":[{"key":"k"}],"sinks":[SINK]}]}]}}}}}`
		examined = `{"sink":"test_examined"}`
		fine     = `{"sink":"log"}`
	)
	for _, test := range []struct {
		name, sink, status string
		code               int
		words              []string
	}{
		{"a problem", fine, `{"ready":false,"problems":["sink x: it is broken","handler 1: so is that"]}`, 5,
			[]string{"problem  status: it is not ready: sink x: it is broken; handler 1: so is that\n", "\n1 problem, no warnings"}},
		{"a problem while ready", fine, `{"ready":true,"problems":["sink x: it is broken"]}`, 0,
			[]string{"warning  status: it is ready, but: sink x: it is broken\n", "\nno problems, 1 warning"}},
		{"no word why", fine, `{"ready":false}`, 5, []string{"problem  status: it is not ready\n", "1 problem,"}},
		{"the words of a check", examined, `{"ready":true,"problems":["sink test_examined: an event of 32768 bytes is too large: make it smaller"]}`, 5,
			[]string{"ok       status: it is ready\n", "\n1 problem, no warnings"}},
		{"the same while not ready", examined, `{"ready":false,"problems":["sink test_examined: an event of 32768 bytes is too large: make it smaller"]}`, 5,
			[]string{"warning  status: it is not ready, because of the problems above\n", "\n1 problem, 1 warning"}},
		{"what follows", examined, `{"ready":true,"checks":[{"about":"sink test_examined","check":"NATS"},{"about":"sink test_examined","check":"waiting events"}],"problems":["sink test_examined: NATS is not connected (eof)","sink test_examined: 3 events wait in the spool: why"]}`, 5,
			[]string{"ok       status: it is ready\n", "\n1 problem, no warnings"}},
		{"what does not follow", examined, `{"ready":false,"checks":[{"about":"sink other","check":"NATS"},{"about":"sink test_examined","check":"sink"}],"problems":["sink other: NATS is not connected (eof)","sink test_examined: events are answered and dropped, 3 so far: why"]}`, 5,
			[]string{"problem  status: it is not ready: sink other: NATS is not connected (eof); sink test_examined: events are answered and dropped", "\n2 problems, no warnings"}},
		{"events that wait", fine, waits("61", "the server is slow"), 0,
			[]string{"ok       status: it is ready\n", "warning  waiting events: 300 in /spool, the oldest for 1m1s: the server is slow\n", "\nno problems, 1 warning"}},
		{"events that have just come", fine, waits("0.5", ""), 0,
			[]string{"ok       waiting events: 300 in /spool, the oldest for 500ms\n", "\nno problems, no warnings"}},
		{"a server without storage", fine, waits("61", "nats: API error: code=503 err_code=10023 description=insufficient resources"), 0,
			[]string{"-> the server has no storage left for JetStream: raise max_file_store"}},
		{"events that wait for long", fine, strings.Replace(waits("61", "the server is slow"), "true", "false", 1), 5,
			[]string{"problem  status: it is not ready: sink jetstream: 300 events wait in the spool: the server is slow\n", "\n1 problem, 1 warning"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := pixeltest.FakeAdmin(t, map[string]string{
				"/config/":              strings.Replace(config, "SINK", test.sink, 1),
				"/segment_pixel/status": test.status,
			})
			pixeltest.Execute(t, command.NewDoctor(), "--address", address).Want(test.code, test.words...)
		})
	}
}

// waits is the status of a Caddy whose two sites share a spool with waiting events.
func waits(seconds, cause string) string {
	sink := `{"sinks":[{"sink":"jetstream","spool":{"dir":"/spool","open":true,"events":300,"oldest_seconds":` + seconds + `,"waiting":"` + cause + `"}}]}`
	problems, checks := "", ""
	if cause != "" {
		problems = `"sink jetstream: 300 events wait in the spool: ` + cause + `"`
		checks = `{"about":"sink jetstream","check":"waiting events"}`
	}
	return `{"ready":true,"problems":[` + problems + `],"checks":[` + checks + `],"handlers":[` + sink + "," + sink + `]}`
}

// TestDoctorCommandTellsOnceThatNATSIsDown asks a Caddy whose events wait for NATS.
func TestDoctorCommandTellsOnceThatNATSIsDown(t *testing.T) {
	a, b := pixeltest.NewAdminSite(t), pixeltest.StartNATS(t, -1)
	b.CreateStream()
	body := "segment_pixel {\nwrite_key KEY web\nsink jetstream " + b.Server.ClientURL() + " {\nspool " + a.Dir + "/spool\n}\n}"
	a.Run("", body)
	a.Get("/v1/pixel/page?writeKey=KEY&userId=u")
	b.Await(1)
	pixeltest.Eventually(t, "the ack has come", func() bool {
		_, text := a.Ask("GET", "/segment_pixel/status", "")
		return strings.Contains(string(text), `"events":0`)
	})
	b.Server.Shutdown()
	a.Get("/v1/pixel/page?writeKey=KEY&userId=u")
	pixeltest.Eventually(t, "the event waits", func() bool {
		_, text := a.Ask("GET", "/segment_pixel/status", "")
		return strings.Contains(string(text), "events wait in the spool") && strings.Contains(string(text), "NATS is not connected")
	})
	pixeltest.Execute(t, command.NewDoctor(), "--config", pixeltest.WriteCaddyfile(t, body), "--address", strings.TrimPrefix(a.Admin, "http://")).
		// Of the process's counters, those of other tests may be worth a warning.
		Want(5, "it cannot be reached", "ok       status: it is ready\n", " waiting events: 1 in "+a.Dir+"/spool, the oldest for ", "\n1 problem, ")
}

// TestDoctorCommandBelievesTheHandlerAboutProxies sends more and more requests through
// a proxy, of which there may be one or two for any reason.
func TestDoctorCommandBelievesTheHandlerAboutProxies(t *testing.T) {
	a := pixeltest.NewAdminSite(t)
	body := "segment_pixel {\nwrite_key KEY forged\nsink writer discard\n}"
	a.Run("", body)
	doctor := func(words ...string) {
		t.Helper()
		pixeltest.Execute(t, command.NewDoctor(), "--config", pixeltest.WriteCaddyfile(t, body), "--address", strings.TrimPrefix(a.Admin, "http://")).
			Want(0, words...)
	}
	const page = "/v1/pixel/page?writeKey=KEY&userId=u"
	a.Get(page)
	a.Get(page)
	a.Get(page)
	a.Get(page, "X-Forwarded-For", "203.0.113.9")
	doctor("ok       client IP: trusted_proxies is not set, and ", "claimed to come through a proxy", "ok       status: it is ready\n")
	for range 12 {
		a.Get(page, "X-Forwarded-For", "203.0.113.9")
	}
	doctor("warning  client IP: 13 of 16 requests came through a proxy that trusted_proxies does not name", "ok       status: it is ready\n")
}
