// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// A message that the stream already has counts as stored, wherever it stands in a
// window.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	numbers := func(from, to int) (list []int) {
		for i := from; i <= to; i++ {
			list = append(list, i)
		}
		return list
	}
	for name, test := range map[string]struct{ before, window []int }{
		"the only one":           {numbers(1, 1), numbers(1, 1)},
		"first":                  {numbers(1, 1), numbers(1, 9)},
		"last":                   {numbers(9, 9), numbers(1, 9)},
		"in the middle":          {numbers(4, 5), numbers(1, 9)},
		"all":                    {numbers(1, 9), numbers(1, 9)},
		"all but the first":      {numbers(2, 9), numbers(1, 9)},
		"all but the last":       {numbers(1, 8), numbers(1, 9)},
		"twice in one window":    {nil, []int{1, 2, 2, 3}},
		"first twice":            {nil, []int{1, 1, 2}},
		"last twice":             {nil, []int{1, 2, 2}},
		"nothing else":           {nil, []int{1, 1}},
		"last is like the first": {nil, append(numbers(1, 9), 1)},
		"whole large window":     {numbers(1, maxEvents), numbers(1, maxEvents)},
		"half a large window":    {numbers(1, maxEvents/2), numbers(1, maxEvents)},
		"large window twice":     {nil, append(numbers(1, 500), numbers(1, 500)...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, batched bool) {
				s := natstest.Start(t, nil)
				wires := tap(t, s.ClientURL())
				r := newRig(t, s.ClientURL())
				r.patient()
				createStream(t, r.route.js, nil)
				var want []spool.Event
				known := make(map[int]bool)
				for _, i := range test.before {
					e := event(i)
					if _, err := r.route.js.PublishMsg(t.Context(), Message(&e)); err != nil {
						t.Fatal(err)
					}
					want, known[i] = append(want, e), true
				}
				for _, i := range test.window {
					if !known[i] {
						want, known[i] = append(want, event(i)), true
					}
					r.append(event(i))
				}
				r.route.batched.Store(batched)
				r.start(t)
				r.awaitAcked(t, len(test.window))
				wantStored(t, r.route.js, want)
				if n := int64(len(test.before)); batched {
					wires.want(t, int64(len(test.window)), n)
				} else {
					wires.want(t, 0, int64(len(test.window))+n)
				}
			})
		})
	}
}
