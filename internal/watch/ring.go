// SPDX-License-Identifier: Apache-2.0

package watch

// ring holds the last records in a fixed number of slots, whose memory is used again.
type ring struct {
	slots []record
	total uint64 // of the records ever written, and the number of the next one
	first uint64 // no record before this number is there, since the size was changed
}

// slot is where the next record goes.
func (g *ring) slot() *record {
	g.total++
	return g.at(g.total - 1)
}

// oldest is the number of the oldest record that is still there.
func (g *ring) oldest() uint64 {
	return max(g.first, g.total-min(g.total, uint64(len(g.slots))))
}

func (g *ring) at(number uint64) *record {
	return &g.slots[number%uint64(len(g.slots))]
}

// resize keeps the last records and their numbers.
func (g *ring) resize(size int) {
	if size == len(g.slots) {
		return
	}
	old := *g
	g.slots = make([]record, size)
	g.first = max(old.oldest(), g.oldest())
	for number := g.first; number < g.total; number++ {
		*g.at(number) = *old.at(number)
	}
}

func (g *ring) forgetPayloads() {
	for i := range g.slots {
		g.slots[i].payload = nil
	}
}
