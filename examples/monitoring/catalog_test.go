// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

const prefix = "caddy_segment_pixel_"

// metric is one metric as the README documents it.
type metric struct {
	kind   string // counter, gauge or histogram
	labels []string
}

// documented reads the README's table of metrics.
func documented(t *testing.T) map[string]metric {
	t.Helper()
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	metrics := make(map[string]metric)
	row := regexp.MustCompile("(?m)^\\| `(" + prefix + "[a-z_]+)` \\| ([a-z]+) \\|([a-z_` ]*)\\| .+ \\|$")
	for _, cell := range row.FindAllStringSubmatch(string(content), -1) {
		if _, twice := metrics[cell[1]]; twice {
			t.Errorf("the README has %s twice", cell[1])
		}
		metrics[cell[1]] = metric{kind: cell[2], labels: strings.Fields(strings.ReplaceAll(cell[3], "`", ""))}
	}
	return metrics
}

// described asks a running Caddy for all metrics of the module and their labels,
// also for those that nothing has been counted for.
func described(t *testing.T) map[string][]string {
	t.Helper()
	ctx := caddy.ActiveContext()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		ctx.GetMetricsRegistry().Describe(descriptions)
	}()
	metrics := make(map[string][]string)
	// A description tells what it describes in no other way.
	text := regexp.MustCompile(`fqName: "(` + prefix + `[a-z_]+)".* constLabels: \{\}, variableLabels: \{(.*)\}\}$`)
	for description := range descriptions {
		found := text.FindStringSubmatch(description.String())
		switch {
		case found != nil:
			metrics[found[1]] = strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' })
		case strings.Contains(description.String(), prefix):
			t.Errorf("not understood: %s", description)
		}
	}
	return metrics
}

// TestMetricsAreDocumented compares the README's table with a running Caddy.
func TestMetricsAreDocumented(t *testing.T) {
	pixeltest.NewSite(t).Run("segment_pixel {\nwrite_key k\nsink log\n}")
	metrics, running := documented(t), described(t)
	for name, labels := range running {
		if m, ok := metrics[name]; !ok {
			t.Errorf("the README lacks %s%v", name, labels)
		} else if !slices.Equal(slices.Sorted(slices.Values(labels)), slices.Sorted(slices.Values(m.labels))) {
			t.Errorf("the labels of %s are %v; the README says %v", name, labels, m.labels)
		}
	}
	for name, m := range metrics {
		if _, ok := running[name]; !ok {
			t.Errorf("the README has %s, which Caddy does not", name)
		}
		if (m.kind == "counter") != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is no name for a %s", name, m.kind)
		}
	}
}

// TestLabelValuesAreDocumented compares the README's closed lists with the code.
func TestLabelValuesAreDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var causes []string
	for _, cause := range report.Causes() {
		causes = append(causes, string(cause))
	}
	everything := ^pixel.Repair(0)
	for label, want := range map[string][]string{"cause": causes, "repair": everything.Names()} {
		row := regexp.MustCompile("(?m)^\\| `" + label + "` \\| .*").Find(content)
		var got []string
		for _, value := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllSubmatch(row, -1) {
			got = append(got, string(value[1]))
		}
		if len(got) == 0 || !slices.Equal(got[1:], want) {
			t.Errorf("the README has %s, want %v", row, want)
		}
	}
}
