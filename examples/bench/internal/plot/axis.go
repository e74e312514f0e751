// SPDX-License-Identifier: Apache-2.0

// Package plot draws small plots with logarithmic axes, side by side, into one
// SVG file that needs nothing else and can be read on light and dark pages.
package plot

import (
	"math"
	"slices"
	"strconv"
)

// axis is a logarithmic one.
type axis struct {
	low, high float64 // the values at its ends
	from, to  float64 // where its ends are drawn
}

// at is where a value is drawn. Zero has no logarithm; it is at the low end.
func (a axis) at(value float64) float64 {
	if value <= a.low {
		return a.from
	}
	share := math.Log(value/a.low) / math.Log(a.high/a.low)
	return a.from + share*(a.to-a.from)
}

// newAxis is one on which all values have room. Below the least one is some more
// if there is a zero, which needs a place of its own.
func newAxis(values []float64, from, to float64) axis {
	least, most, zero := math.Inf(1), 0.0, false
	for _, value := range values {
		if value <= 0 {
			zero = true
			continue
		}
		least, most = min(least, value), max(most, value)
	}
	switch most {
	case 0:
		least, most = 1, 10
	case least:
		least, most = least/2, most*2
	}
	if zero {
		least /= 10
	}
	return axis{low: least, high: most, from: from, to: to}
}

// rounded is the axis with ends at ticks, so that all values are between two of
// them.
func (a axis) rounded() axis {
	wider := a
	for _, tick := range steps(a.low/10, a.high*10) {
		if tick <= a.low {
			wider.low = tick
		}
		if tick >= a.high {
			wider.high = tick
			break
		}
	}
	return wider
}

// steps are 1, 2 and 5 times the powers of ten between two values.
func steps(low, high float64) []float64 {
	var found []float64
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, factor := range []float64{1, 2, 5} {
			// A negative power of ten is not exact, but its reciprocal is.
			tick := factor * math.Pow(10, power)
			if power < 0 {
				tick = factor / math.Pow(10, -power)
			}
			if tick >= low && tick <= high {
				found = append(found, tick)
			}
		}
	}
	return found
}

// different are the values without repetition, in order.
func different(values []float64) []float64 {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// Short writes a number for a tick: 0.3, 1, 64, 4k, 10M.
func Short(value float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if value >= unit.size {
			return strconv.FormatFloat(math.Round(10*value/unit.size)/10, 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatFloat(math.Round(10*value)/10, 'f', -1, 64)
}
