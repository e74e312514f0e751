// SPDX-License-Identifier: Apache-2.0

package forward

import "time"

// Observer is told what becomes of events, to count them. It must not wait.
type Observer interface {
	// Sent says that events have been handed to NATS for the first time, and SentAgain
	// that they had been before, or may have been by an earlier run.
	Sent(events int)
	SentAgain(events int)
	// Acked says that a stream has acknowledged events together, and how long after
	// they were sent.
	Acked(events int, after time.Duration)
	// Duplicate says that a stream had an event already that it has acknowledged: one that
	// was sent again, or that has the message id of another.
	Duplicate(events int)
	// SetAside says that an event is in the file of those that no stream can store,
	// and Dropped that it is lost, as that file is full.
	SetAside()
	Dropped(cause error)
}
