// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestRecipe runs the Caddyfile, sends pixels of every kind, and compares what
// Prometheus gets with the README's table.
func TestRecipe(t *testing.T) {
	broker := pixeltest.StartNATS(t, -1)
	createStream(t, broker)
	site := pixeltest.NewSite(t)
	content, err := os.ReadFile("Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	port, own, second := freePort(t), freePort(t), strconv.Itoa(site.Port)
	recipe := string(content)
	for _, place := range [][2]string{
		{"localhost:8080", "127.0.0.1:" + port}, {"9180", own}, {"nats://127.0.0.1:4222", broker.Server.ClientURL()},
	} {
		if !strings.Contains(recipe, place[0]) {
			t.Fatalf("the recipe has no %s", place[0])
		}
		recipe = strings.ReplaceAll(recipe, place[0], place[1])
	}
	_, recipe, _ = strings.Cut(recipe, "\n{\n")
	options, recipe, _ := strings.Cut(recipe, "\n}\n")
	site.Load(site.Adapt("GLOBAL{" + options + "}GLOBAL" + recipe + `
http://127.0.0.1:PORT {
	segment_pixel {
		write_key YOUR_WRITE_KEY docs
		suppress withdrawn {
			server ` + broker.Server.ClientURL() + `
		}
		sink jetstream nats://127.0.0.1:1 {
			spool off
			ack_timeout 1ms
		}
	}
}`))

	pixel := "http://127.0.0.1:" + port + "/v1/pixel/track?"
	event := `{"writeKey":"YOUR_WRITE_KEY","userId":"u","event":"e","properties":{"text":"` + strings.Repeat("x", 100) + `"}}`
	get(t, pixel+"data="+base64.RawURLEncoding.EncodeToString([]byte(event)))
	get(t, pixel+"data="+base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(event, "x", "12345678901"))))
	get(t, pixel+"writeKey=YOUR_WRITE_KEY&amp;userId=u&event=e") // repaired
	get(t, pixel+"writeKey=another&userId=u&event=e")            // rejected
	get(t, pixel+"writeKey=YOUR_WRITE_KEY&userId=u&event=e", "X-Forwarded-For", "192.0.2.1")
	get(t, strings.Replace(pixel, port, second, 1)+"writeKey=YOUR_WRITE_KEY&userId=u&event=e") // dropped

	scrape := "http://127.0.0.1:" + own + "/metrics"
	var scraped string
	for _, series := range []string{
		`requests_total{outcome="accepted",.*} [1-9]`, `requests_total{outcome="rejected",.*} [1-9]`,
		`requests_total{outcome="dropped",.*} [1-9]`, `repairs_total{.*} [1-9]`, `untrusted_proxy_requests_total [1-9]`,
		`sink_acked_total{.*} [1-9]`, `sink_set_aside_total{.*} [1-9]`, `sink_dropped_total{.*} [1-9]`, `spool_open{.*} 1`,
	} {
		pattern := regexp.MustCompile("(?m)^" + prefix + series)
		pixeltest.Eventually(t, series, func() bool {
			scraped = get(t, scrape)
			return pattern.MatchString(scraped)
		})
	}
	checkScraped(t, documented(t), scraped)
}

// checkScraped compares a page of metrics with what is documented.
func checkScraped(t *testing.T, metrics map[string]metric, text string) {
	t.Helper()
	kinds := make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, kind, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " "); strings.HasPrefix(line, "# TYPE "+prefix) {
			kinds[name] = kind
		}
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		series, err := metricsql.Parse(line[:strings.LastIndexByte(line, ' ')])
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		filters := series.(*metricsql.MetricExpr).LabelFilterss[0]
		known := selectedLabels(metrics, nameOf(filters))
		if known == nil {
			t.Errorf("not documented: %s", line)
		}
		for _, filter := range filters {
			if filter.Label != nameLabel && !slices.Contains(known, filter.Label) {
				t.Errorf("the label %s is not documented: %s", filter.Label, line)
			}
			if err := checkValue(filter.Label, filter.Value); filter.Value != "" && err != nil {
				t.Errorf("%v: %s", err, line)
			}
		}
	}
	for name, m := range metrics {
		if kinds[name] != m.kind {
			t.Errorf("%s is documented as %s, but scraped as %q", name, m.kind, kinds[name])
		}
	}
}

// get asks for something and returns it.
func get(t *testing.T, url string, header ...string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return string(body)
}

// createStream creates a stream that takes no large events.
func createStream(t *testing.T, broker *pixeltest.Broker) {
	t.Helper()
	if _, err := broker.Js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "withdrawn"}); err != nil {
		t.Fatal(err)
	}
	_, err := broker.Js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, MaxMsgSize: 1024,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}
