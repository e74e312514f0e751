// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// nameLabel holds the name of a metric.
const nameLabel = "__name__"

// targetLabels are what Prometheus adds to each series.
var targetLabels = []string{"job", "instance"}

// bucketLabel is that of the bounds of a histogram.
const bucketLabel = "le"

// checkExpression checks that an expression can be parsed, and that there are the
// metrics, the labels and the values that it asks for. It returns the labels that
// the result can have.
func checkExpression(metrics map[string]metric, text string) ([]string, error) {
	expr, err := metricsql.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	var wrong []error
	metricsql.VisitAll(expr, func(node metricsql.Expr) {
		if err := checkNode(metrics, node); err != nil {
			wrong = append(wrong, fmt.Errorf("%w in %s", err, text))
		}
	})
	return resultLabels(metrics, expr), errors.Join(wrong...)
}

func checkNode(metrics map[string]metric, node metricsql.Expr) error {
	switch node := node.(type) {
	case *metricsql.MetricExpr:
		return checkSelector(metrics, node)
	case *metricsql.AggrFuncExpr:
		return checkKnown(node.Modifier.Args, argumentLabels(metrics, node.Args))
	case *metricsql.BinaryOpExpr:
		return checkKnown(node.GroupModifier.Args, resultLabels(metrics, node.Left))
	case *metricsql.FuncExpr:
		return checkWindow(node)
	}
	return nil
}

// checkWindow wants the window that Prometheus asks for, and MetricsQL does not.
func checkWindow(call *metricsql.FuncExpr) error {
	if !metricsql.IsRollupFunc(call.Name) || len(call.Args) == 0 {
		return nil
	}
	if rollup, ok := call.Args[metricsql.GetRollupArgIdx(call)].(*metricsql.RollupExpr); !ok || rollup.Window == nil {
		return fmt.Errorf("%s has no window", call.Name)
	}
	return nil
}

func checkKnown(wanted, known []string) error {
	for _, label := range wanted {
		if !slices.Contains(known, label) {
			return fmt.Errorf("there is no label %s, only %v", label, known)
		}
	}
	return nil
}

func checkSelector(metrics map[string]metric, selector *metricsql.MetricExpr) error {
	for _, filters := range selector.LabelFilterss {
		known := selectedLabels(metrics, nameOf(filters))
		if known == nil {
			return fmt.Errorf("there is no metric %s", nameOf(filters))
		}
		for _, filter := range filters {
			if filter.Label == nameLabel {
				continue
			}
			if err := checkKnown([]string{filter.Label}, known); err != nil {
				return err
			}
			if err := checkValue(filter.Label, filter.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// nameOf returns the name of the metric that filters ask for, which stands first.
func nameOf(filters []metricsql.LabelFilter) string {
	if len(filters) == 0 || filters[0].Label != nameLabel {
		return ""
	}
	return filters[0].Value
}

// checkValue checks the value of a label that has a closed list of values.
func checkValue(label, wanted string) error {
	var values []string
	switch label {
	case "outcome":
		values = []string{"accepted", "rejected", "dropped", "failed"}
	case "reason":
		for _, reason := range pixel.Reasons() {
			values = append(values, reason.String())
		}
	default:
		return nil
	}
	for value := range strings.SplitSeq(wanted, "|") {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%s is never %q, but one of %v", label, value, values)
		}
	}
	return nil
}

// selectedLabels returns the labels of the series with a name; nil if there are
// none. A histogram has three names.
func selectedLabels(metrics map[string]metric, name string) []string {
	if name == "up" { // of Prometheus itself
		return targetLabels
	}
	var more []string
	m, ok := metrics[name]
	if ok && m.kind == "histogram" {
		return nil
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, cut := strings.CutSuffix(name, suffix); cut && metrics[base].kind == "histogram" {
			m, ok = metrics[base], true
			if suffix == "_bucket" {
				more = []string{bucketLabel}
			}
		}
	}
	if !ok {
		return nil
	}
	return slices.Concat(targetLabels, m.labels, more)
}

// resultLabels returns the labels that the result of an expression can have.
func resultLabels(metrics map[string]metric, expr metricsql.Expr) []string {
	switch expr := expr.(type) {
	case *metricsql.MetricExpr:
		var all []string
		for _, filters := range expr.LabelFilterss {
			all = append(all, selectedLabels(metrics, nameOf(filters))...)
		}
		return all
	case *metricsql.RollupExpr:
		return resultLabels(metrics, expr.Expr)
	case *metricsql.AggrFuncExpr:
		return expr.Modifier.Args
	case *metricsql.FuncExpr:
		all := argumentLabels(metrics, expr.Args)
		if expr.Name == "histogram_quantile" {
			all = slices.DeleteFunc(slices.Clone(all), func(label string) bool { return label == bucketLabel })
		}
		return all
	case *metricsql.BinaryOpExpr:
		if expr.Op == "unless" || expr.Op == "and" {
			return resultLabels(metrics, expr.Left)
		}
		return append(slices.Clone(resultLabels(metrics, expr.Left)), resultLabels(metrics, expr.Right)...)
	}
	return nil
}

func argumentLabels(metrics map[string]metric, arguments []metricsql.Expr) []string {
	var all []string
	for _, argument := range arguments {
		all = append(all, resultLabels(metrics, argument)...)
	}
	return all
}

func TestExpressionsAreChecked(t *testing.T) {
	t.Parallel()
	metrics := documented(t)
	for text, labels := range map[string][]string{
		`rate(caddy_segment_pixel_requests_total[5m])`:                                                       {"job", "instance", "outcome", "reason", "type", "source"},
		`sum by (type) (caddy_segment_pixel_requests_total{reason!~"gpc|dnt"}) or up`:                        {"type", "job", "instance"},
		`histogram_quantile(0.5, sum by (le, sink) (rate(caddy_segment_pixel_sink_ack_seconds_bucket[5m])))`: {"sink"},
		`up unless on (instance) caddy_segment_pixel_answer_seconds_count`:                                   {"job", "instance"},
	} {
		if got, err := checkExpression(metrics, text); err != nil || !slices.Equal(got, labels) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		`rate(caddy_segment_pixel_requests_total)`,
		`caddy_segment_pixel_request_total`,
		`caddy_segment_pixel_answer_seconds`,
		`caddy_segment_pixel_spool_oldest_seconds_bucket`,
		`caddy_segment_pixel_requests_total{outcom="failed"}`,
		`caddy_segment_pixel_requests_total{outcome="lost"}`,
		`caddy_segment_pixel_requests_total{reason=~"gpc|bad_jason"}`,
		`caddy_segment_pixel_answer_seconds_count{le="1"}`,
		`sum by (dir) (caddy_segment_pixel_requests_total)`,
		`up unless on (dir) caddy_segment_pixel_spool_open`,
	} {
		if _, err := checkExpression(metrics, text); err == nil {
			t.Errorf("nothing is found to be wrong with %s", text)
		}
	}
}
