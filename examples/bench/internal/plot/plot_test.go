// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{1, 10, []float64{1, 2, 5, 10}},
		{30, 300, []float64{50, 100, 200}},
		{0.1, 1, []float64{0.1, 0.2, 0.5, 1}},
		{6, 9, nil},
	} {
		if got := steps(c.low, c.high); !slices.Equal(got, c.want) {
			t.Errorf("from %v to %v: %v instead of %v", c.low, c.high, got, c.want)
		}
	}
}

func TestAxis(t *testing.T) {
	a := newAxis([]float64{1, 100}, 0, 200)
	for value, want := range map[float64]float64{1: 0, 10: 100, 100: 200, 0: 0} {
		if got := a.at(value); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v is drawn at %v instead of %v", value, got, want)
		}
	}
	// An axis upwards has its low end further down.
	if got := newAxis([]float64{1, 100}, 200, 0).at(10); math.Abs(got-100) > 1e-9 {
		t.Errorf("upwards, 10 is drawn at %v", got)
	}
}

// Zero is to the left of the least value, not on it.
func TestAxisWithZero(t *testing.T) {
	a := newAxis([]float64{0, 10, 1000}, 0, 300)
	if a.at(0) != 0 || math.Abs(a.at(10)-100) > 1e-9 || a.at(1000) != 300 {
		t.Errorf("0, 10 and 1000 are drawn at %v, %v and %v", a.at(0), a.at(10), a.at(1000))
	}
}

func TestAxisWithoutExtent(t *testing.T) {
	for _, values := range [][]float64{nil, {0}, {5}, {5, 5}} {
		a := newAxis(values, 0, 100).rounded()
		if a.low <= 0 || a.high <= a.low || math.IsNaN(a.at(5)) {
			t.Errorf("%v gives %+v", values, a)
		}
	}
}

func TestRounded(t *testing.T) {
	for _, c := range []struct{ low, high, wantLow, wantHigh float64 }{
		{23, 180, 20, 200}, {20, 200, 20, 200}, {0.3, 0.7, 0.2, 1}, {99, 101, 50, 200},
	} {
		a := axis{low: c.low, high: c.high}.rounded()
		if a.low != c.wantLow || a.high != c.wantHigh {
			t.Errorf("%v to %v became %v to %v", c.low, c.high, a.low, a.high)
		}
	}
}

func TestShort(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.3: "0.3", 307.0 / 1024: "0.3", 1: "1", 64: "64", 1000: "1k", 4096: "4.1k", 1e7: "10M", 2.5e9: "2.5G",
	} {
		if got := Short(value); got != want {
			t.Errorf("%v is written %s instead of %s", value, got, want)
		}
	}
}

func TestSVG(t *testing.T) {
	point := Point{X: 1, Y: 20, Low: 18, High: 25}
	for name, charts := range map[string][]Chart{
		"none":      nil,
		"no points": {{Title: "sites", X: "sites", Series: []Series{{Name: "here"}}}},
		"one point": {{Title: "a < b & c", X: "b", Series: []Series{{Name: "here", Points: []Point{point}}}}},
		"many": slices.Repeat([]Chart{{Title: "keys", X: "keys", Series: []Series{
			{Name: "one", Points: []Point{{X: 0, Y: 30, Low: 30, High: 30}, {X: 10, Y: 31, Low: 30, High: 33}, {X: 1e6, Y: 90, Low: 80, High: 95}}},
			{Name: "two", Points: []Point{point}}, {Name: "three"}, {Name: "four", Points: []Point{point}},
		}}}, 7),
	} {
		t.Run(name, func(t *testing.T) {
			text := SVG("CPU < 1 µs", charts)
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
				t.Errorf("something could not be drawn:\n%s", text)
			}
			decoder := xml.NewDecoder(strings.NewReader(text))
			for {
				_, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%v:\n%s", err, text)
				}
			}
		})
	}
}
