// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"
)

// ruleFile is a file of rules as Prometheus reads it. promtool knows more of it,
// but brings half of Prometheus along.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []alert
	}
}

type alert struct {
	Alert         string
	Expr          string
	For           *time.Duration
	KeepFiringFor *time.Duration `yaml:"keep_firing_for"`
	Labels        map[string]string
	Annotations   map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file ruleFile
	parseYAML(t, "alerts.yml", &file)
	var all []alert
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("alerts.yml has no alerts")
	}
	return all
}

// parseYAML reads a file that must have no other fields than the value.
func parseYAML(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	metrics := documented(t)
	names := make(map[string]bool)
	for _, alert := range alerts(t) {
		t.Run(alert.Alert, func(t *testing.T) {
			t.Parallel()
			known, err := checkExpression(metrics, alert.Expr)
			if err != nil {
				t.Error(err)
			}
			if alert.For == nil {
				t.Error("does not say for how long")
			}
			if severity := alert.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, severity) {
				t.Errorf("severity %q", severity)
			}
			if alert.Annotations["summary"] == "" {
				t.Error("has no summary")
			}
			for _, place := range []string{"irst ", "caddy segment-pixel doctor", "/segment_pixel/", "docs/troubleshooting.md"} {
				if !strings.Contains(alert.Annotations["description"], place) {
					t.Errorf("the description does not mention %q", place)
				}
			}
			for _, text := range alert.Annotations {
				checkTemplate(t, text, known)
			}
		})
		if !strings.HasPrefix(alert.Alert, "SegmentPixel") || names[alert.Alert] {
			t.Errorf("%q is no name, or not the only one", alert.Alert)
		}
		names[alert.Alert] = true
	}
}

// checkTemplate fills in an annotation as Prometheus does.
func checkTemplate(t *testing.T, text string, known []string) {
	t.Helper()
	humanize := func(float64) string { return "1" }
	parsed, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"humanize": humanize, "humanizeDuration": humanize, "humanizePercentage": humanize,
	}).Parse("{{ $labels := .Labels }}{{ $value := .Value }}" + text)
	if err != nil {
		t.Error(err)
		return
	}
	labels := make(map[string]string)
	for _, label := range known {
		labels[label] = label
	}
	if err := parsed.Execute(io.Discard, map[string]any{"Labels": labels, "Value": 1.0}); err != nil {
		t.Error(err)
	}
}

// TestAlertsAreTested looks for each alert in the tests that promtool runs.
func TestAlertsAreTested(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range alerts(t) {
		if !strings.Contains(string(content), `alertname="`+alert.Alert+`"`) {
			t.Errorf("alerts_test.yml does not know %s", alert.Alert)
		}
	}
}
