// SPDX-License-Identifier: Apache-2.0

package forward

import "time"

// Change says that events have begun to wait in the spool, or wait for a further
// reason, or that they are delivered again.
type Change struct {
	Waits bool
	Cause string        // why they wait
	After time.Duration // how long they waited, when they are delivered again
}
