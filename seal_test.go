// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

// sealFile writes a file of keys and returns them.
func sealFile(t *testing.T, name string, sources ...string) *seal.Set {
	t.Helper()
	set := new(seal.Set)
	for i, source := range sources {
		key, err := seal.NewKey("k"+string(rune('0'+i)), []string{seal.A256GCM, seal.HS256}[i%2], source)
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, *key)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	return set
}

func sealedData(t *testing.T, set *seal.Set, object, kid string) string {
	t.Helper()
	text, err := set.Seal([]byte(object), kid)
	if err != nil {
		t.Fatal(err)
	}
	return "data=" + text
}

// TestBuilderSeals has the admin endpoint seal an object, where that is allowed.
func TestBuilderSeals(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	set := sealFile(t, filepath.Join(s.Dir, "seals"), "newsletter")
	const body = "segment_pixel {\nwrite_key k web\nseal DIR/seals\nsink writer discard\n}"
	const object = `{"userId":"u","event":"e"}`
	s.Run("", body)
	if code, text := s.Ask(http.MethodPost, "/segment_pixel/seal", object); code != http.StatusForbidden || !strings.Contains(string(text), "builder_seals on") {
		t.Errorf("not allowed: %d %s", code, text)
	}
	s.Run("segment_pixel {\nbuilder_seals on\n}", body)
	code, text := s.Ask(http.MethodPost, "/segment_pixel/seal", object)
	var answer struct{ Token string }
	if err := json.Unmarshal(text, &answer); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	if opened, source, ok := set.Open(answer.Token, time.Now()); !ok || string(opened) != object || source != "newsletter" {
		t.Errorf("the token holds %s of %s", opened, source)
	}
	if code, _ := s.Ask(http.MethodPost, "/segment_pixel/seal", "[]"); code != http.StatusBadRequest {
		t.Errorf("no object: %d", code)
	}
	s.Run("segment_pixel {\nbuilder_seals on\n}", strings.Replace(body, "seal DIR/seals", "", 1))
	if code, text := s.Ask(http.MethodPost, "/segment_pixel/seal", object); code != http.StatusBadRequest || !strings.Contains(string(text), "no handler has keys") {
		t.Errorf("without keys: %d %s", code, text)
	}
}

// TestSealedPixels sends sealed pixels and others to a site that takes both and to one
// that takes sealed ones alone.
func TestSealedPixels(t *testing.T) {
	s := pixeltest.NewSite(t)
	set := sealFile(t, filepath.Join(s.Dir, "seals"), "newsletter", "")
	site := func(prefix, options string) string {
		return "segment_pixel {\nwrite_key k web\npath_prefix " + prefix + "\nseal DIR/seals " + options + "\nsink writer file DIR/events\n}\n"
	}
	s.Run(site("/v1/pixel", "") + site("/sealed", "required") + site("/some", "required allow userId properties"))
	const object, keyed = `{"userId":"u","event":"e","properties":{"a":1}}`, `{"writeKey":"k","userId":"u","event":"e"}`
	other := sealFile(t, filepath.Join(t.TempDir(), "others"), "newsletter", "")
	for _, test := range []struct {
		path, query string
		want        string // the reason, or what the event has
	}{
		{"/v1/pixel", sealedData(t, set, object, "k0"), `"properties":{"a":1}`},
		{"/v1/pixel", sealedData(t, set, keyed, "k1"), `"event":"e"`},
		{"/v1/pixel", sealedData(t, set, object, "k1"), "no_write_key"},
		{"/v1/pixel", sealedData(t, set, object, "k1") + "&writeKey=k", `"event":"e"`},
		{"/v1/pixel", sealedData(t, set, object, "k0") + "&event=other", `"event":"other"`},
		{"/v1/pixel", pixeltest.Data(keyed), `"event":"e"`},
		{"/v1/pixel", "writeKey=k&userId=a.b&event=e", `"userId":"a.b"`},
		{"/v1/pixel", sealedData(t, other, object, "k0"), "bad_seal"},
		{"/v1/pixel", sealedData(t, set, object, "k0") + "x", "bad_seal"},
		{"/v1/pixel", sealedData(t, set, `{"userId":"u","event":"e","exp":1}`, "k0"), "bad_seal"},
		{"/v1/pixel", sealedData(t, set, `{"userId":`, "k0"), "truncated"},
		{"/v1/pixel", sealedData(t, set, `{"userId":"`+strings.Repeat("x", 10_000)+`"}`, "k0"), "no_event"},
		{"/sealed", sealedData(t, set, object, "k0"), `"event":"e"`},
		{"/sealed", sealedData(t, set, object, "k0") + "&event=other&userId=x", `"userId":"u","event":"e"`},
		{"/sealed", pixeltest.Data(keyed), "not_sealed"},
		{"/sealed", "writeKey=k&userId=u&event=e", "not_sealed"},
		{"/some", sealedData(t, set, object, "k0") + "&event=other&userId=x&properties.b=2", `"userId":"x","event":"e","properties":{"a":1,"b":"2"}`},
	} {
		events, rejected := len(s.Lines("events")), len(s.Rejected())
		s.Get(test.path + "/track?" + test.query)
		if strings.Contains(test.want, `"`) {
			text, err := os.ReadFile(filepath.Join(s.Dir, "events"))
			if err != nil {
				t.Fatal(err)
			}
			last := strings.TrimSpace(string(text))
			last = last[strings.LastIndexByte(last, '\n')+1:]
			if got := len(s.Lines("events")); got != events+1 || !strings.Contains(last, test.want) {
				t.Errorf("%s?%.60s: %d more events, want %s; rejected %v", test.path, test.query, got-events, test.want, s.Rejected()[rejected:])
			}
			continue
		}
		if got := s.Rejected()[rejected:]; !slices.Equal(got, []string{test.want}) || len(s.Lines("events")) != events {
			t.Errorf("%s?%.60s: got %v, want %s", test.path, test.query, got, test.want)
		}
	}

	// The keys are rotated while the site runs.
	set = sealFile(t, filepath.Join(s.Dir, "seals"), "shop")
	pixeltest.Eventually(t, "the keys are read again", func() bool { return len(s.Logged("read the keys of seals again")) == 3 })
	before := len(s.Lines("events"))
	s.Get("/sealed/track?" + sealedData(t, set, object, "k0"))
	if n := len(s.Lines("events")); n != before+1 {
		t.Errorf("%d events of the new key", n-before)
	}
}
