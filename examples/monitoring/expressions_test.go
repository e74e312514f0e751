// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// nameLabel holds the name of a metric.
const nameLabel = "__name__"

// targetLabels are what Prometheus adds to each series.
var targetLabels = []string{"job", "instance"}

// checkExpression checks that an expression is PromQL, and that there are the
// metrics, the labels and the values that it asks for. It returns the labels that
// the result can have.
func checkExpression(metrics map[string]metric, text string) ([]string, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	var wrong []error
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		var err error
		switch node := node.(type) {
		case *parser.VectorSelector:
			err = checkSelector(metrics, node)
		case *parser.AggregateExpr:
			err = checkKnown(node.Grouping, resultLabels(metrics, node.Expr))
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				err = checkKnown(node.VectorMatching.MatchingLabels, resultLabels(metrics, node.LHS))
			}
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%w in %s", err, text))
		}
		return nil
	})
	return resultLabels(metrics, expr), errors.Join(wrong...)
}

func checkKnown(wanted, known []string) error {
	for _, label := range wanted {
		if !slices.Contains(known, label) {
			return fmt.Errorf("there is no label %s, only %v", label, known)
		}
	}
	return nil
}

func checkSelector(metrics map[string]metric, selector *parser.VectorSelector) error {
	known := selectedLabels(metrics, selector.Name)
	if known == nil {
		return fmt.Errorf("there is no metric %s", selector.Name)
	}
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name == nameLabel {
			continue
		}
		if err := checkKnown([]string{matcher.Name}, known); err != nil {
			return err
		}
		if err := checkValue(matcher); err != nil {
			return err
		}
	}
	return nil
}

// checkValue checks a matcher of a label that has a closed list of values.
func checkValue(matcher *labels.Matcher) error {
	var values []string
	switch matcher.Name {
	case "outcome":
		values = []string{"accepted", "rejected", "dropped", "failed"}
	case "reason":
		for _, reason := range pixel.Reasons() {
			values = append(values, reason.String())
		}
	default:
		return nil
	}
	for value := range strings.SplitSeq(matcher.Value, "|") {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%s is never %q, but one of %v", matcher.Name, value, values)
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
				more = []string{labels.BucketLabel}
			}
		}
	}
	if !ok {
		return nil
	}
	return slices.Concat(targetLabels, m.labels, more)
}

// resultLabels returns the labels that the result of an expression can have.
func resultLabels(metrics map[string]metric, expr parser.Expr) []string {
	switch expr := expr.(type) {
	case *parser.VectorSelector:
		return selectedLabels(metrics, expr.Name)
	case *parser.MatrixSelector:
		return resultLabels(metrics, expr.VectorSelector)
	case *parser.ParenExpr:
		return resultLabels(metrics, expr.Expr)
	case *parser.AggregateExpr:
		return expr.Grouping
	case *parser.Call:
		var all []string
		for _, argument := range expr.Args {
			all = append(all, resultLabels(metrics, argument)...)
		}
		if expr.Func.Name == "histogram_quantile" {
			all = slices.DeleteFunc(slices.Clone(all), func(label string) bool { return label == labels.BucketLabel })
		}
		return all
	case *parser.BinaryExpr:
		if expr.Op == parser.LUNLESS || expr.Op == parser.LAND {
			return resultLabels(metrics, expr.LHS)
		}
		return append(slices.Clone(resultLabels(metrics, expr.LHS)), resultLabels(metrics, expr.RHS)...)
	}
	return nil
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
