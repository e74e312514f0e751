// SPDX-License-Identifier: Apache-2.0

package spool

// Trouble is what can be wrong with a spool.
type Trouble string

// The troubles.
const (
	// TroubleFull and TroubleFailing keep events from being taken: there is no room
	// for them, or they cannot be written. When both have come, they end together.
	TroubleFull    Trouble = "full"
	TroubleFailing Trouble = "failing"
	// TroubleCheckpoint keeps the spool from noting what is acknowledged, and from
	// removing it.
	TroubleCheckpoint Trouble = "checkpoint"
)

// Change says that a trouble has begun or, with Over, has ended.
type Change struct {
	Trouble Trouble
	Over    bool
	Err     error  // of the beginning; nil if the trouble says it all
	Refused uint64 // events that were not taken meanwhile, at the end
}
