// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Spread sums up one figure of several rounds. The median is not moved by a round
// in which the machine did something else; the least and the most show how far
// the rounds are apart.
type Spread struct {
	Median, Least, Most float64
}

// SpreadOf returns the spread of figures, which is NaN throughout if there are
// none.
func SpreadOf(figures []float64) Spread {
	if len(figures) == 0 {
		return Spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(figures))
	half := len(sorted) / 2
	median := sorted[half]
	if len(sorted)%2 == 0 {
		median = (sorted[half-1] + sorted[half]) / 2
	}
	return Spread{Median: median, Least: sorted[0], Most: sorted[len(sorted)-1]}
}

// Text writes the median, with the least and the most in parentheses, each with
// so many decimals.
func (s Spread) Text(decimals int) string {
	if math.IsNaN(s.Median) {
		return "–"
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, s.Median, decimals, s.Least, decimals, s.Most)
}

// Ratios divides each figure by that of the floor in the same round, so that what
// the machine does beside the measurement changes both.
func Ratios(figures, floor []float64) []float64 {
	ratios := make([]float64, 0, len(figures))
	for round := range min(len(figures), len(floor)) {
		ratios = append(ratios, figures[round]/floor[round])
	}
	return ratios
}

// Percentile returns the least of the sorted durations that so many percent of
// them do not exceed.
func Percentile(sorted []time.Duration, percent float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(float64(len(sorted)) * percent / 100))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Corrected adds the answers that a load did not wait for because it was held up
// by an earlier one, and sorts them all. A connection that is to send a request
// every interval, and that waits for an answer for several intervals, sends its
// next requests late, and each of them seems to be answered quickly: this is known
// as coordinated omission. As recordValueWithExpectedInterval of HdrHistogram
// does, each such time stands for those that the requests due in the meantime
// would have waited, one interval less each.
func Corrected(times []time.Duration, interval time.Duration) []time.Duration {
	all := slices.Clone(times)
	if interval > 0 {
		for _, t := range times {
			for t -= interval; t >= interval; t -= interval {
				all = append(all, t)
			}
		}
	}
	slices.Sort(all)
	return all
}
