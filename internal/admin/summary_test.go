// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

func summary(s *pixeltest.AdminSite, query string) watch.Summary {
	s.T.Helper()
	code, text := s.Ask(http.MethodGet, "/segment_pixel/summary?"+query, "")
	var answer watch.Summary
	if err := json.Unmarshal(text, &answer); err != nil || code != http.StatusOK {
		s.T.Fatalf("%d %v: %s", code, err, text)
	}
	return answer
}

// anyHost serves pixels under every name.
func anyHost(t *testing.T) string {
	t.Helper()
	return "bind 127.0.0.1\n" + pixeltest.Silent(t) + "}\nhttp://:PORT {\nbind 127.0.0.1\n" + pixeltest.Silent(t)
}

// getAs sends a pixel to a host of this name, and more header fields.
func getAs(s *pixeltest.AdminSite, host, target string, fields ...string) {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.T.Context(), http.MethodGet, s.URL+target, http.NoBody)
	if err != nil {
		s.T.Fatal(err)
	}
	request.Host = host
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	response.Body.Close()
}

// TestSummary has good and bad pixels of two hosts, more of one name than of the other.
func TestSummary(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("segment_pixel {\nrecent off\n}", pixeltest.Silent(t)) // forgets what other tests have sent
	s.Run("", anyHost(t))
	for range 3 {
		s.Get(pixeltest.Track("Opened"))
		getAs(s, "a.example", "/v1/pixel/track?writeKey=k&event=e")
	}
	s.Get(pixeltest.Track("Clicked"))
	getAs(s, "b.example", "/v1/pixel/track?writeKey=k&event=e", "User-Agent", "Mailer/1", "Referer", "https://shop.example/")

	got := summary(s, "")
	if len(got.Problems) != 2 || len(got.Events) != 2 {
		t.Fatalf("got %+v", got)
	}
	first, second := got.Problems[0], got.Problems[1]
	if first.Outcome != "rejected" || first.Reason != "no_identity" || first.Hint == "" || first.Source != pixeltest.Source(t) ||
		first.Host != "a.example" || first.Count != 3 || first.FirstSeen.IsZero() || first.LastSeen.Before(first.FirstSeen) {
		t.Errorf("got %+v", first)
	}
	if second.Host != "b.example" || second.Sample.UserAgent != "Mailer/1" || second.Sample.Referrer != "https://shop.example/" ||
		!strings.Contains(second.Sample.Query, "event=e") {
		t.Errorf("got %+v", second)
	}
	if shown := s.Recent("host=b.example"); len(shown) != 1 || shown[0].ID != second.Sample.ID {
		t.Errorf("of the host: %+v", shown)
	}
	if e := got.Events[0]; e.Type != "track" || e.Event != "Opened" || e.Source != pixeltest.Source(t) || e.Count != 3 || e.LastSeen.IsZero() {
		t.Errorf("got %+v", e)
	}

	hidden := summary(s, "redact")
	if sample := hidden.Problems[1].Sample; len(hidden.Events) != 0 || sample.UserAgent != "" || sample.Referrer != "" || strings.Contains(sample.Query, "=e") {
		t.Errorf("redacted: %+v", hidden)
	}
	s.Run("segment_pixel {\npayloads off\n}", pixeltest.Silent(t))
	if off := summary(s, ""); len(off.Events) != 0 || off.Problems[0].Sample.Query != "" {
		t.Errorf("off: %+v", off)
	}
}

// TestSummaryIsBounded sends pixels to more hosts, and events of more names, than are
// told apart: all are counted.
func TestSummaryIsBounded(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("segment_pixel {\nrecent off\n}", pixeltest.Silent(t))
	s.Run("", anyHost(t))
	const sent = 600
	for i := range sent {
		name := strings.Repeat("n", 1+i/26) + string(rune('a'+i%26))
		s.Get(pixeltest.Track(name))
		getAs(s, name+".example", "/v1/pixel/track?writeKey=k&event=e")
	}
	got := summary(s, "")
	problems, events, folded := uint64(0), uint64(0), 0
	for _, p := range got.Problems {
		problems += p.Count
		if p.OtherHosts {
			folded++
		}
	}
	for _, e := range got.Events {
		events += e.Count
		if e.OtherNames {
			folded++
		}
	}
	if problems != sent || events != sent || folded != 2 || len(got.Problems) > 250 || len(got.Events) > 550 {
		t.Errorf("%d problems in %d groups, %d events of %d names, %d stand for others", problems, len(got.Problems), events, len(got.Events), folded)
	}
}

// TestRecentAsLines exports what a filter lets through.
func TestRecentAsLines(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	for _, name := range []string{"one", "Two", "three"} {
		s.Get(pixeltest.Track(name))
	}
	code, text := s.Ask(http.MethodGet, "/segment_pixel/recent?format=ndjson&text=id+of+t&limit=2&source="+pixeltest.Source(t), "")
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if code != http.StatusOK || len(lines) != 2 {
		t.Fatalf("%d: %s", code, text)
	}
	for i, want := range []string{"Two", "three"} {
		var shown pixeltest.Shown
		if err := json.Unmarshal([]byte(lines[i]), &shown); err != nil || shown.Event != want {
			t.Errorf("line %d: %v, %+v", i, err, shown)
		}
	}
	for _, bad := range []string{"format=xml", "id=x", "id=0"} {
		if code, _ := s.Ask(http.MethodGet, "/segment_pixel/recent?"+bad, ""); code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

// TestSources wants the keys that stand in the configuration, and no others.
func TestSources(t *testing.T) {
	t.Setenv("SEGMENT_PIXEL_TEST_KEY", "from-the-environment")
	s := pixeltest.NewAdminSite(t)
	s.Run("", "segment_pixel {\nwrite_key {env.SEGMENT_PIXEL_TEST_KEY} mail\nwrite_key plain-key web\nsink writer discard\n}")
	code, text := s.Ask(http.MethodGet, "/segment_pixel/sources", "")
	var answer struct {
		Sources []struct {
			Source    string
			Addresses []string
			WriteKey  string `json:"write_key"`
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || code != http.StatusOK || len(answer.Sources) != 2 {
		t.Fatalf("%d %v: %s", code, err, text)
	}
	for i, want := range []struct{ source, key string }{{"mail", ""}, {"web", "plain-key"}} {
		got := answer.Sources[i]
		if got.Source != want.source || got.WriteKey != want.key || len(got.Addresses) == 0 || !strings.HasSuffix(got.Addresses[0], "/v1/pixel") {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
