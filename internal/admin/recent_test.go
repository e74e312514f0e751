// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

func TestRecent(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	from := "source=" + pixeltest.Source(t)
	s.Get(pixeltest.Track("Opened"), "Host", "pixels.example")
	s.Get("/v1/pixel/page?"+pixeltest.Data(`{"writeKey":"k","userId":7}`), "X-Forwarded-For", "192.0.2.1")
	s.Get("/v1/pixel/track?" + pixeltest.Data(`{"writeKey":"k","event":"e"}`))
	s.Get("/v1/pixel/track?"+pixeltest.Data(`{"writeKey":"k","event":"e"}`)+"&n=1", "Sec-GPC", "1")

	all := s.Recent(from)
	if len(all) != 4 {
		t.Fatalf("got %+v", all)
	}
	opened := all[0]
	if opened.Outcome != "accepted" || opened.Type != "track" || opened.Event != "Opened" || opened.MessageID != "id of Opened" ||
		opened.Path != "/v1/pixel/track" || opened.Body["event"] != "Opened" || opened.Body["writeKey"] != nil || opened.Query != "" ||
		opened.DecodeUS <= 0 || opened.AnswerUS < opened.DecodeUS || opened.UntrustedProxy {
		t.Errorf("accepted: %+v", opened)
	}
	if repaired := all[1]; !slices.Equal(repaired.Repairs, []string{"number_id"}) || !repaired.UntrustedProxy {
		t.Errorf("repaired: %+v", repaired)
	}
	nobody := all[2]
	if nobody.Outcome != "rejected" || nobody.Reason != "no_identity" || nobody.Detail == "" || nobody.Hint == "" ||
		nobody.Query != pixeltest.Data(`{"writeKey":"k","event":"e"}`) || nobody.Body != nil {
		t.Errorf("rejected: %+v", nobody)
	}
	if s.Recent(from + "&redact&limit=4")[0].Event != "" {
		t.Error("redacted, the name of the event is shown")
	}
	for i := 1; i < len(all); i++ {
		if all[i].ID <= all[i-1].ID {
			t.Errorf("record %d has the id %d, the one before %d", i, all[i].ID, all[i-1].ID)
		}
	}

	for query, want := range map[string]int{
		"&type=track":                       3,
		"&type=PAGE":                        1,
		"&type=track,page":                  4,
		"&outcome=accepted":                 2,
		"&outcome=rejected":                 2,
		"&outcome=no_identity":              2,
		"&outcome=no_event":                 0,
		"&outcome=accepted&outcome=dropped": 2,
		"&reason=no_identity":               2,
		"&limit=3":                          3,
		"&outcome=rejected&type=page":       0,
	} {
		if got := s.Recent(from + query); len(got) != want {
			t.Errorf("%s: %d records, want %d", query, len(got), want)
		}
	}
	if last := s.Recent(from + "&limit=1"); last[0].ID != all[3].ID {
		t.Errorf("the last one is %+v", last)
	}
	for _, query := range []string{"type=click", "outcome=good", "reason=bad", "limit=0", "limit=x", "redact=perhaps"} {
		if code, text := s.Ask(http.MethodGet, "/segment_pixel/recent?"+query, ""); code != http.StatusBadRequest || !strings.Contains(string(text), "write") && !strings.Contains(string(text), "see") {
			t.Errorf("%s: %d %s", query, code, text)
		}
	}
}

// TestRecentKeepsTheBadOnes has far more good pixels than are kept follow a bad one.
func TestRecentKeepsTheBadOnes(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("segment_pixel {\nrecent 5\n}", pixeltest.Silent(t))
	s.Get("/v1/pixel/track?writeKey=k&userId=u")
	for i := range 12 {
		s.Get(pixeltest.Track(fmt.Sprint("good ", i)))
	}
	got := s.Recent("source=" + pixeltest.Source(t))
	if len(got) != 6 || got[0].Reason != "no_event" || got[1].Event != "good 7" || got[5].Event != "good 11" {
		t.Errorf("got %+v", got)
	}
	s.Run("segment_pixel {\nrecent 2\n}", pixeltest.Silent(t))
	if got = s.Recent("source=" + pixeltest.Source(t)); len(got) != 3 || got[1].Event != "good 10" {
		t.Errorf("after a reload with fewer: %+v", got)
	}
	s.Run("segment_pixel {\nrecent off\n}", pixeltest.Silent(t))
	s.Get(pixeltest.Track("unseen"))
	if got = s.Recent(""); len(got) != 0 {
		t.Errorf("off: %+v", got)
	}
}

func TestRecentHidesPayloads(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	s.Get("/v1/pixel/track?" + pixeltest.Data(`{"writeKey":"k","userId":"SECRET","event":"e","properties":{"price":5,"list":["SECRET",true,null]}}`))
	s.Get("/v1/pixel/track?writeKey=SECRET&userId=SECRET&cb=")
	redactedBody := `"properties":{"price":"(hidden)","list":["(hidden)","(hidden)",null]}`
	for query, want := range map[string]struct{ there, absent string }{
		"?":             {"SECRET", redactedBody},
		"?redact":       {redactedBody, "SECRET"},
		"?redact=true":  {`"query":"writeKey=(hidden)&userId=(hidden)&cb="`, "SECRET"},
		"?redact=false": {"SECRET", redactedBody},
	} {
		if _, text := s.Ask(http.MethodGet, "/segment_pixel/recent"+query, ""); !strings.Contains(string(text), want.there) || strings.Contains(string(text), want.absent) {
			t.Errorf("%s: %s", query, text)
		}
	}
	s.Run("segment_pixel {\npayloads redacted\n}", pixeltest.Silent(t))
	if _, text := s.Ask(http.MethodGet, "/segment_pixel/recent?redact=false", ""); !strings.Contains(string(text), redactedBody) || strings.Contains(string(text), "SECRET") {
		t.Errorf("redacted by the configuration: %s", text)
	}
	s.Run("segment_pixel {\npayloads off\n}", pixeltest.Silent(t))
	s.Get(pixeltest.Track("SECRETLY"))
	if _, text := s.Ask(http.MethodGet, "/segment_pixel/recent", ""); strings.Contains(string(text), `"SECRET"`) || strings.Contains(string(text), `"body"`) || strings.Contains(string(text), `"query"`) {
		t.Errorf("off: %s", text)
	}
}

func TestRecentCutsPayloads(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	long := strings.Repeat("x", pixel.MaxRejectedQuery)
	s.Get(pixeltest.Track("long") + "&properties.x=" + long)
	s.Get("/v1/pixel/track?writeKey=k&userId=u&properties.x=" + long)
	got := s.Recent("source=" + pixeltest.Source(t))
	if len(got) != 2 || !got[0].Cut || got[0].Body != nil || !got[1].Cut || len(got[1].Query) != pixel.MaxRejectedQuery {
		t.Errorf("got %+v", got)
	}
}
