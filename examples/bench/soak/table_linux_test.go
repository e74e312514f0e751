// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// rising are values from one to another.
func rising(count int, from, to float64) []float64 {
	values := make([]float64, count)
	for n := range values {
		values[n] = from + (to-from)*float64(n)/float64(count-1)
	}
	return values
}

func TestGrowth(t *testing.T) {
	still := rising(60, 80, 80)
	for n := range 12 {
		still[n] = 40 // whatever starts grows
	}
	peak := rising(60, 80, 80)
	peak[58] = 500 // one collection that came late
	for name, c := range map[string]struct {
		values  []float64
		verdict string
	}{
		"the start does not count":  {still, "it is flat: × 1.00"},
		"nor does a single peak":    {peak, "it is flat: × 1.00"},
		"a leak":                    {rising(60, 50, 150), "it grows: × 1.77"},
		"it shrinks":                {rising(60, 150, 50), "it is flat: × 0.49"},
		"a phase that is too short": {rising(14, 50, 150), "there are too few samples to tell whether it is flat"},
		"nothing":                   {nil, "there are too few samples to tell whether it is flat"},
	} {
		if got := judge(growth(c.values)); got != c.verdict {
			t.Errorf("%s: %s instead of %s", name, got, c.verdict)
		}
	}
}

func TestTable(t *testing.T) {
	p := phase{
		name: "NATS is up",
		slices: []slice{
			{from: 0, to: time.Minute, load: &rig.Result{Answered: 120_000, P50: 1500 * time.Microsecond, P99: 20 * time.Millisecond}},
			{from: time.Minute, to: 80 * time.Second},
			{from: 80 * time.Second, to: 90 * time.Second},
		},
		samples: []sample{{at: 0, resident: 60, spool: 1}, {at: 50 * time.Second, resident: 64, spool: 3}, {at: 61 * time.Second, resident: 70, spool: 5}},
	}
	want := `
### NATS is up

| from – to | answered | p50 ms | p99 ms | RSS MiB | spool MiB |
|---|--:|--:|--:|--:|--:|
| 0:00 – 1:00 | 120000 | 1.5 | 20.0 | 62 (60–64) | 2 (1–3) |
| 1:00 – 1:20 | – | – | – | 70 (70–70) | 5 (5–5) |
| 1:20 – 1:30 | – | – | – | – | – |

RSS is 64 (60–70) MiB over 3 samples; there are too few samples to tell whether it is flat.
`
	if got := p.table(); got != want {
		t.Errorf("the table is\n%s", got)
	}
}

func TestParseOptions(t *testing.T) {
	for _, args := range [][]string{{"more"}, {"-for", "1s"}, {"-outage", "1s"}, {"-rate", "0"}} {
		if o, err := parseOptions(args); err == nil {
			t.Errorf("%q gives %+v", args, o)
		}
	}
	if _, err := parseOptions(nil); err != nil {
		t.Error(err)
	}
}
