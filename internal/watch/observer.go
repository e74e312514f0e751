// SPDX-License-Identifier: Apache-2.0

package watch

// observer is told of every request that a handler has answered, but for HEAD and
// OPTIONS. It is called concurrently, and before the answer leaves, so it must be
// quick. It must not keep the outcome or the memory of its event.
type observer interface {
	observe(*Outcome)
}

// observers are told in this order. They belong to the process and not to a
// configuration, so that counters and records outlive a reload.
var observers = [...]observer{Requests, Recent}

// Tell tells every observer what became of a request.
func Tell(o *Outcome) {
	for _, each := range observers {
		each.observe(o)
	}
}
