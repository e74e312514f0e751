// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	_ "github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

// TestREADME tries what the README shows.
func TestREADME(t *testing.T) {
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(content)
	t.Setenv("WRITE_KEY", "k")
	caddyfiles, configs, events := 0, 0, 0
	for _, block := range regexp.MustCompile("(?s)```(caddyfile|json)\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		language, text := block[1], block[2]
		switch {
		case language == "caddyfile":
			caddyfiles++
			_, warnings, err := pixeltest.CaddyfileAdapter().Adapt([]byte(text), map[string]any{"filename": "README.md"})
			if err != nil || len(warnings) > 0 {
				t.Errorf("%s\n%v %v", text, err, warnings)
			}
		case strings.Contains(text, `"apps"`):
			configs++
			var config caddy.Config
			if err := json.Unmarshal([]byte(text), &config); err != nil {
				t.Fatal(err)
			}
			if err := caddy.Validate(&config); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		default:
			events++
			checkSampleEvent(t, text)
		}
	}
	if caddyfiles == 0 || configs == 0 || events == 0 {
		t.Errorf("found %d Caddyfiles, %d configurations, %d events", caddyfiles, configs, events)
	}

	_, reasons, _ := strings.Cut(readme, "## Why a request is rejected")
	reasons, _, _ = strings.Cut(reasons, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(reasons, -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			documented = append(documented, strings.Trim(name, "`"))
		}
	}
	var want []string
	for _, reason := range pixel.Reasons() {
		want = append(want, reason.String())
	}
	if !slices.Equal(documented, want) {
		t.Errorf("documented reasons %v\nwant %v", documented, want)
	}
}

// checkSampleEvent compares the README's event with what Segment's sample becomes.
func checkSampleEvent(t *testing.T, text string) {
	t.Helper()
	sample := pixeltest.Parse(t, []byte(text))
	decoder := pixel.Decoder{Source: func(string) (string, bool) { return "docs", true }, Version: "v0.1.0"}
	event, rejection := decoder.Decode(pixel.Track, "data="+pixeltest.SegmentSample, &pixel.Facts{UserAgent: "x", Referer: "x"})
	if rejection != nil {
		t.Fatal(rejection.Reason)
	}
	defer event.Release()
	became := pixeltest.Parse(t, event.Body)
	for name := range became {
		if sample[name] == nil {
			t.Errorf("the README's event lacks %s", name)
		}
	}
	if len(sample) != len(became) || sample["userId"] != became["userId"] || sample["event"] != became["event"] {
		t.Errorf("the README has %v, but it is %v", sample, became)
	}
}
