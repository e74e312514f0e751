// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

// fetchOf sends a pixel and returns the context of its event.
func fetchOf(t *testing.T, s *pixeltest.Site, payload string, header ...string) map[string]any {
	t.Helper()
	before := len(s.Lines("events"))
	s.Get("/v1/pixel/page?"+pixeltest.Data(payload), header...)
	lines := s.Lines("events")
	if len(lines) != before+1 {
		t.Fatalf("%d events came of one pixel", len(lines)-before)
	}
	context, _ := lines[before]["context"].(map[string]any)
	return context
}

func runFetchers(t *testing.T, options string) *pixeltest.Site {
	t.Helper()
	s := pixeltest.NewSite(t)
	s.Run("segment_pixel {\nwrite_key k web\n" + options + "\nsink writer file DIR/events\n}")
	return s
}

// TestFetchersThroughTheDoor sends a pixel for every line of the table that a client can
// be: the networks are others' tests, as a client here has an address of its own.
func TestFetchersThroughTheDoor(t *testing.T) {
	s := runFetchers(t, "")
	for _, rule := range fetcher.Table() {
		header := []string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
		switch {
		case len(rule.Agents) > 0:
			header[1] = rule.Agents[0].Text
		case len(rule.Headers) > 0:
			header = append(header, rule.Headers[0].Field, rule.Headers[0].Text)
		default:
			continue
		}
		want := map[string]any{"kind": rule.Kind.String(), "machine": rule.Kind.Machine()}
		if rule.By != "" {
			want["by"] = rule.By
		}
		if got := fetchOf(t, s, pixeltest.Page, header...)["fetch"]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

// TestFetchOfTheClient keeps what the client's context has, as with its other members.
func TestFetchOfTheClient(t *testing.T) {
	s := runFetchers(t, "")
	const own = `{"writeKey":"k","userId":"u","context":{"a":1,"fetch":{"kind":"reader","machine":"no"},"page":{"title":"t"},"b":"\"x\""}}`
	got := fetchOf(t, s, own, "User-Agent", "curl/8", "Referer", "https://example.com/")
	fetch := fmt.Sprint(got["fetch"])
	if fetch != fmt.Sprint(map[string]any{"kind": "reader", "machine": "no"}) || got["a"] != 1.0 || got["b"] != `"x"` ||
		fmt.Sprint(got["page"]) != fmt.Sprint(map[string]any{"title": "t", "url": "https://example.com/"}) {
		t.Errorf("got %v", got)
	}
}

// TestFetcherOptions looks at own rules, at the address before it is masked, and at what
// is left out.
func TestFetcherOptions(t *testing.T) {
	s := runFetchers(t, `client_ip off
		user_agent off
		fetcher scanner acme {
			user_agent AcmeScan
			network 127.0.0.0/8
		}
		fetcher bot elsewhere {
			network 192.0.2.0/24
		}
		fetcher scanner mapped {
			user_agent InIPv6
			network ::ffff:127.0.0.0/104 ::ffff:192.0.2.1
		}`)
	for agent, want := range map[string]string{"AcmeScan/1": "acme", "curl/8": "curl", "InIPv6/1": "mapped"} {
		got := fetchOf(t, s, pixeltest.Page, "User-Agent", agent)
		if by := got["fetch"].(map[string]any)["by"]; by != want {
			t.Errorf("%s: got %v, want %s", agent, by, want)
		}
		if got["userAgent"] != nil || got["ip"] != nil {
			t.Errorf("%s: got %v", agent, got)
		}
	}
	off := runFetchers(t, "classify off")
	if got := fetchOf(t, off, pixeltest.Page, "User-Agent", "curl/8"); got["fetch"] != nil || got["userAgent"] != "curl/8" {
		t.Errorf("got %v", got)
	}
}

func TestFetcherErrors(t *testing.T) {
	for options, want := range map[string]string{
		"fetcher robot x {\nuser_agent y\n}":  "there is no kind 'robot'",
		"fetcher bot {\nuser_agent y\n}":      "its name is ''",
		"fetcher bot Acme {\nuser_agent y\n}": "its name is 'Acme'",
		"fetcher reader x {\nuser_agent y\n}": "a reader has no name",
		"fetcher bot x":                       "it would be everybody",
		"fetcher bot x {\nnetwork example\n}": "'example' is no network",
		"fetcher bot x {\nheader X\n}":        "write header <field> <text>",
		"fetcher bot x {\nagent y\n}":         "unrecognized subdirective 'agent' of fetcher",
		"classify maybe":                      "classify is 'maybe'",
		"user_agent some":                     "user_agent is 'some'",
		"classify on\nclassify on":            "classify already specified",
	} {
		text := "http://example.com {\nsegment_pixel {\nwrite_key k web\n" + options + "\n}\n}"
		_, _, err := pixeltest.CaddyfileAdapter().Adapt([]byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", options, err, want)
		}
	}
}
