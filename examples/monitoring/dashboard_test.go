// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type dashboard struct {
	Inputs []struct {
		Name, Type, PluginID string
	} `json:"__inputs"`
	Requires []struct {
		Type, ID string
	} `json:"__requires"`
	Panels     []panel
	Templating struct {
		List []struct {
			Name, Type string
			Query      json.RawMessage
			Datasource *datasource
		}
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
	Targets []struct {
		Datasource         datasource
		Expr, LegendFormat string
	}
}

type datasource struct{ Type, UID string }

// chosen is the data source that the dashboard's first variable names.
var chosen = datasource{Type: "prometheus", UID: "${datasource}"}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	content, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("dashboard.json has no panels")
	}
	return d
}

func TestDashboardPanels(t *testing.T) {
	t.Parallel()
	metrics := documented(t)
	d := readDashboard(t)
	taken := make(map[[2]int]string)
	ids := make(map[int]bool)
	for _, panel := range d.Panels {
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q is not within the page, or lies on %q", panel.Title, other)
				}
				taken[[2]int{x, y}] = panel.Title
			}
		}
		if ids[panel.ID] {
			t.Errorf("%q has the id of another panel", panel.Title)
		}
		ids[panel.ID] = true
		if panel.Type != "row" {
			t.Run(panel.Title, func(t *testing.T) {
				t.Parallel()
				checkPanel(t, metrics, &panel)
			})
		}
		used := slices.ContainsFunc(d.Requires, func(r struct{ Type, ID string }) bool {
			return r.Type == "panel" && r.ID == panel.Type
		})
		if !used && panel.Type != "row" {
			t.Errorf("__requires lacks %s", panel.Type)
		}
	}
}

var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

func checkPanel(t *testing.T, metrics map[string]metric, panel *panel) {
	t.Helper()
	if panel.Description == "" || panel.FieldConfig.Defaults.Unit == "" || len(panel.Targets) == 0 {
		t.Error("lacks a description, a unit or a query")
	}
	if panel.Datasource != chosen {
		t.Errorf("has the data source %v", panel.Datasource)
	}
	for _, target := range panel.Targets {
		if target.Datasource != chosen {
			t.Errorf("has a query with the data source %v", target.Datasource)
		}
		known, err := checkExpression(metrics, fillIn(t, target.Expr))
		if err != nil {
			t.Error(err)
		}
		for _, label := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
			if err := checkKnown(label[1:], known); err != nil {
				t.Errorf("%v in the legend of %s", err, target.Expr)
			}
		}
		if !strings.Contains(target.Expr, `instance=~"$instance"`) {
			t.Errorf("shows all Caddies, whichever is chosen: %s", target.Expr)
		}
		if strings.Contains(target.Expr, prefix+"requests_total") && !strings.Contains(target.Expr, `source=~"$source"`) {
			t.Errorf("shows all sources, whichever is chosen: %s", target.Expr)
		}
	}
}

// fillIn replaces what Grafana does.
func fillIn(t *testing.T, expr string) string {
	t.Helper()
	expr = strings.NewReplacer("$__rate_interval", "1m", "$__range", "21600s", `"$instance"`, `".*"`, `"$source"`, `".*"`).Replace(expr)
	if strings.Contains(expr, "$") {
		t.Errorf("there is no such variable: %s", expr)
	}
	return expr
}

// TestDashboardVariables checks what is asked for in an import and above the panels.
func TestDashboardVariables(t *testing.T) {
	t.Parallel()
	metrics := documented(t)
	d := readDashboard(t)
	if len(d.Inputs) != 1 || d.Inputs[0].Type != "datasource" || d.Inputs[0].PluginID != "prometheus" {
		t.Errorf("__inputs %v", d.Inputs)
	}
	var names []string
	labelValues := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	for _, variable := range d.Templating.List {
		names = append(names, variable.Name)
		if variable.Type != "query" {
			continue
		}
		var query struct{ Query string }
		if err := json.Unmarshal(variable.Query, &query); err != nil {
			t.Fatal(err)
		}
		parts := labelValues.FindStringSubmatch(query.Query)
		if parts == nil {
			t.Fatalf("%s asks for %s", variable.Name, query.Query)
		}
		known, err := checkExpression(metrics, fillIn(t, parts[1]))
		if err := errors.Join(err, checkKnown(parts[2:], known)); err != nil {
			t.Error(err)
		}
		if *variable.Datasource != chosen || parts[2] != variable.Name {
			t.Errorf("%s: %s of %v", variable.Name, query.Query, variable.Datasource)
		}
	}
	if want := []string{"datasource", "instance", "source"}; !slices.Equal(names, want) {
		t.Errorf("variables %v, want %v", names, want)
	}
}

// TestEveryMetricIsShown keeps metrics from being forgotten.
func TestEveryMetricIsShown(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	for name := range documented(t) {
		if !regexp.MustCompile(`\b` + name + `(_bucket|_sum|_count)?\b`).Match(content) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
