// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"slices"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		figures  []float64
		decimals int
		text     string
	}{
		{nil, 1, "–"},
		{[]float64{7}, 0, "7 (7–7)"},
		{[]float64{3, 1, 2}, 1, "2.0 (1.0–3.0)"},
		{[]float64{4, 1, 3, 2}, 2, "2.50 (1.00–4.00)"},
	} {
		if text := SpreadOf(c.figures).Text(c.decimals); text != c.text {
			t.Errorf("%v: %s instead of %s", c.figures, text, c.text)
		}
	}
}

func TestRatios(t *testing.T) {
	ratios := Ratios([]float64{10, 30, 5}, []float64{10, 20})
	if !slices.Equal(ratios, []float64{1, 1.5}) {
		t.Errorf("the ratios are %v", ratios)
	}
}

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for n := range 100 {
		hundred = append(hundred, time.Duration(n+1))
	}
	for _, c := range []struct {
		sorted  []time.Duration
		percent float64
		want    time.Duration
	}{
		{nil, 50, 0},
		{hundred[:1], 99, 1},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
		{hundred, 0, 1},
		{hundred[:3], 50, 2},
	} {
		if got := Percentile(c.sorted, c.percent); got != c.want {
			t.Errorf("percentile %v of %d is %d instead of %d", c.percent, len(c.sorted), got, c.want)
		}
	}
}

// The cases are those of HdrHistogram: the smallest time that is added is the
// interval itself.
func TestCorrected(t *testing.T) {
	for _, c := range []struct {
		times    []time.Duration
		interval time.Duration
		want     []time.Duration
	}{
		{[]time.Duration{5, 3}, 10, []time.Duration{3, 5}},
		{[]time.Duration{10}, 10, []time.Duration{10}},
		{[]time.Duration{20}, 10, []time.Duration{10, 20}},
		{[]time.Duration{35, 1}, 10, []time.Duration{1, 15, 25, 35}},
		{[]time.Duration{35}, 0, []time.Duration{35}},
	} {
		if got := Corrected(c.times, c.interval); !slices.Equal(got, c.want) {
			t.Errorf("%v at %v became %v instead of %v", c.times, c.interval, got, c.want)
		}
	}
}

// A server that stands still for half the time may not look as if nearly all of
// its answers were quick.
func TestCorrectedShowsStall(t *testing.T) {
	times := []time.Duration{time.Second}
	for range 100 {
		times = append(times, time.Millisecond)
	}
	if p99 := Percentile(Corrected(times, 10*time.Millisecond), 99); p99 < 900*time.Millisecond {
		t.Errorf("one request in a hundred takes %v", p99)
	}
}
