// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 10_000_000: "10,000,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s instead of %s", n, got, want)
		}
	}
}

func TestLabel(t *testing.T) {
	sizes, counts := dimension{unit: 1024}, dimension{}
	if small, large, count := sizes.label(307), sizes.label(16<<10), counts.label(4096); small != "0.3" || large != "16" || count != "4,096" {
		t.Errorf("%s, %s, %s", small, large, count)
	}
}

func TestTable(t *testing.T) {
	r := newResult(dimension{
		name: "sites", axis: "sites", values: []int{1, 1000}, columns: append(usualColumns[:2:2], floorColumn),
		variants: []variant{{name: "pixel"}, {name: rig.FloorName}}, remark: "Remark.",
	})
	r.series[0].points[0].cpu = []float64{40, 50, 60}
	r.series[1].points[0].cpu = []float64{20, 20, 20}
	r.series[0].points[1].cpu = []float64{80, 100, 180}
	// The last point was not measured.
	want := `
### sites

Remark.

| sites | variant | CPU µs/request | × first | CPU × respond, same bytes |
|--:|---|--:|--:|--:|
| 1 | pixel | 50.0 (40.0–60.0) | 1.00 (1.00–1.00) | 2.50 (2.00–3.00) |
| 1 | respond, same bytes | 20.0 (20.0–20.0) | 1.00 (1.00–1.00) | 1 |
| 1,000 | pixel | 100.0 (80.0–180.0) | 2.00 (2.00–3.00) | – |
| 1,000 | respond, same bytes | – | – | 1 |
`
	if got := r.table(); got != want {
		t.Errorf("the table is\n%s", got)
	}
	if c := r.chart(); len(c.Series[0].Points) != 2 || len(c.Series[1].Points) != 1 {
		t.Errorf("the plot has the points %+v", c.Series)
	}
}

// Every dimension can be written before anything was measured, and every
// configuration can be made.
func TestDimensions(t *testing.T) {
	for _, d := range dimensions {
		r := newResult(d)
		if table := r.table(); strings.Count(table, "\n|") != 2+len(d.values)*len(d.variants) {
			t.Errorf("%s:\n%s", d.name, table)
		}
		for _, v := range d.variants {
			if v.change == nil {
				continue // it is measured in its own way
			}
			s := usual
			if err := v.change(&s, place{value: d.values[0], dir: t.TempDir(), server: "nats://127.0.0.1:4222", name: "stream"}); err != nil {
				t.Errorf("%s, %s: %v", d.name, v.name, err)
			}
			if text := s.text(); !strings.Contains(text, "segment_pixel {") && s.site == "" {
				t.Errorf("%s, %s:\n%s", d.name, v.name, text)
			}
		}
	}
}
