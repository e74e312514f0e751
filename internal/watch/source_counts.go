// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync/atomic"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// sourceCounts counts the requests of one source. A rejection counts by its reason,
// and every other result by itself.
type sourceCounts struct {
	outcomes []atomic.Uint64
	repairs  [pixel.RepairCount]atomic.Uint64 // by the bit of a pixel.Repair
	repeats  repeats
}

var (
	reasonCount = len(pixel.Reasons()) + 1 // with Accepted
	typeCount   = len(pixel.Types()) + 1   // with NoType
)

func newSourceCounts() *sourceCounts {
	return &sourceCounts{outcomes: make([]atomic.Uint64, (reasonCount+int(resultCount))*typeCount)}
}

func (c *sourceCounts) of(v result, reason pixel.Reason, typ pixel.Type) *atomic.Uint64 {
	row := int(reason)
	if v != Rejected {
		row = reasonCount + int(v)
	}
	return &c.outcomes[row*typeCount+int(typ)]
}

// each calls f for every count that is not zero.
func (c *sourceCounts) each(f func(v result, reason pixel.Reason, typ pixel.Type, n uint64)) {
	for i := range c.outcomes {
		n := c.outcomes[i].Load()
		if n == 0 {
			continue
		}
		row, typ := i/typeCount, pixel.Type(i%typeCount)
		if row < reasonCount {
			f(Rejected, pixel.Reason(row), typ, n)
		} else {
			f(result(row-reasonCount), pixel.Accepted, typ, n)
		}
	}
}

// took notes an event: what had to be mended in it, and whether its message id was
// sent before.
func (c *sourceCounts) took(event *pixel.Event) {
	if event.Repairs != 0 {
		for i := range c.repairs {
			if event.Repairs&(1<<i) != 0 {
				c.repairs[i].Add(1)
			}
		}
	}
	if event.ClientID {
		c.repeats.note(event.MessageID, event.Received)
	}
}

// events is how many requests became events.
func (c *sourceCounts) events() uint64 {
	n := uint64(0)
	c.each(func(v result, _ pixel.Reason, _ pixel.Type, m uint64) {
		if v == Accepted || v == dropped {
			n += m
		}
	})
	return n
}
