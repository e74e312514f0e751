// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestPrometheusConfiguration checks that the configuration scrapes Caddy where it
// serves metrics, under the name that the alerts know, and finds the alerts.
func TestPrometheusConfiguration(t *testing.T) {
	t.Parallel()
	var config struct {
		Global    map[string]string
		RuleFiles []string `yaml:"rule_files"`
		Scrape    []struct {
			Job    string                       `yaml:"job_name"`
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	parseYAML(t, "prometheus.yml", &config)
	for _, name := range config.RuleFiles {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if len(config.RuleFiles) != 1 || len(config.Scrape) != 1 || len(config.Scrape[0].Static) != 1 {
		t.Fatalf("%+v", config)
	}
	job := config.Scrape[0]
	if targets := job.Static[0].Targets; len(targets) != 1 || targets[0] != caddy.DefaultAdminListen {
		t.Errorf("scrapes %v; the admin endpoint is at %s", targets, caddy.DefaultAdminListen)
	}
	asked := 0
	for _, alert := range alerts(t) {
		asked += strings.Count(alert.Expr, "job=")
		if strings.Count(alert.Expr, "job=") != strings.Count(alert.Expr, `job="`+job.Job+`"`) {
			t.Errorf("%s asks for another job than %s", alert.Alert, job.Job)
		}
	}
	if asked == 0 {
		t.Error("no alert asks whether Caddy can be scraped")
	}
}
