// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func TestStatus(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", `segment_pixel {
		write_key secret-a b
		write_key secret-b a
		write_key secret-c a
		path_prefix /one /two
		max_event_size 1KiB
		client_ip off
		sink writer discard
	}
	`+pixeltest.Silent(t))
	before := s.Status()
	if before.Version == "" || before.Caddy == "" || !before.Ready || len(before.Problems) != 0 || len(before.Handlers) != 2 {
		t.Fatalf("got %+v", before)
	}
	h := before.Handlers[0]
	if !slices.Equal(h.PathPrefixes, []string{"/one", "/two"}) || !slices.Equal(h.Sources, []string{"a", "b"}) || h.MaxEventSize != 1024 || h.ClientIP != "off" ||
		len(h.Sinks) != 1 || h.Sinks[0].Sink != "writer" || !h.Sinks[0].Ready {
		t.Errorf("got %+v", h)
	}
	if want := []string{s.URL + "/one", s.URL + "/two"}; !slices.Equal(h.Addresses, want) {
		t.Errorf("the addresses are %q, want %q", h.Addresses, want)
	}
	s.Get(pixeltest.Track("e"))
	s.Get("/v1/pixel/page?" + pixeltest.Data(`{"writeKey":"k","userId":7}`))
	s.Get("/v1/pixel/page?" + pixeltest.Data(`{"writeKey":"other","userId":7}`))
	s.Do(http.MethodHead, "/v1/pixel/page")
	after := s.Status()
	if after.Outcomes.Accepted != before.Outcomes.Accepted+2 || after.Repairs["number_id"] != before.Repairs["number_id"]+1 ||
		after.Outcomes.Rejected["unknown_write_key"] != before.Outcomes.Rejected["unknown_write_key"]+1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if _, text := s.Ask(http.MethodGet, "/segment_pixel/status", ""); strings.Contains(string(text), "secret") {
		t.Errorf("the status holds a write key: %s", text)
	}
}

// TestStatusOfDrops has a sink fail, and looks at every surface.
func TestStatusOfDrops(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	fail := true
	pixeltest.Hook(t, func(context.Context, *pixel.Event) error {
		if fail {
			return errors.New("out of paper")
		}
		return nil
	})
	s.Run("", `segment_pixel {
		write_key k `+pixeltest.Source(t)+`
		sink hook `+t.Name()+`
	}`)
	before := s.Status()
	if code, text := s.Ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != http.StatusOK {
		t.Errorf("ready: %d %s", code, text)
	}
	s.Get(pixeltest.Track("e"))
	after := s.Status()
	if after.Ready || after.Outcomes.Dropped != before.Outcomes.Dropped+1 || len(after.Problems) != 1 || !strings.Contains(after.Problems[0], "out of paper") {
		t.Errorf("got %+v", after)
	}
	const check = `"checks":[{"about":"sink hook","check":"sink","mark":"problem","found":"events are answered and dropped, 1 so far: out of paper"}]`
	if _, text := s.Ask(http.MethodGet, "/segment_pixel/status", ""); !strings.Contains(string(text), check) {
		t.Errorf("the status has no %s: %s", check, text)
	}
	if code, text := s.Ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != http.StatusServiceUnavailable || !strings.Contains(string(text), "out of paper") {
		t.Errorf("ready: %d %s", code, text)
	}
	if got := s.Recent("source=" + pixeltest.Source(t)); len(got) != 1 || got[0].Outcome != "dropped" || got[0].Detail != "hook: other" || got[0].Hint != report.CauseOther.Hint() || got[0].Body["event"] != "e" {
		t.Errorf("recent: %+v", got)
	}
	if got := s.Metrics()[`caddy_segment_pixel_requests_total{outcome="dropped",reason="",source="`+pixeltest.Source(t)+`",type="track"}`]; got != 1 {
		t.Errorf("the metric is %v", got)
	}
}

// TestStatusOfRefusedEvents has a sink refuse single events for what they are, which
// says nothing about the sink.
func TestStatusOfRefusedEvents(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	pixeltest.Hook(t, func(_ context.Context, event *pixel.Event) error {
		if event.Name == "large" {
			return nats.ErrMaxPayload
		}
		return nil
	})
	s.Run("", `segment_pixel {
		write_key k `+pixeltest.Source(t)+`
		sink hook `+t.Name()+`
	}`)
	for _, name := range []string{"large", "small", "large", "large"} {
		s.Get(pixeltest.Track(name))
		if code, text := s.Ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != http.StatusOK {
			t.Errorf("after a %s one: %d %s", name, code, text)
		}
	}
	if logged := s.Logged("the sink does not take"); len(logged) != 1 || !strings.Contains(logged[0]["msg"].(string), "not logged again for a minute") {
		t.Errorf("logged %v", logged)
	}
	if got := s.Recent("outcome=dropped&source=" + pixeltest.Source(t)); len(got) != 3 || got[0].Detail != "hook: too_large" {
		t.Errorf("recent: %+v", got)
	}
}
