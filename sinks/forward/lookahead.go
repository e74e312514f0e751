// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"slices"
	"time"
)

// maxAhead bounds the events of a window that looks ahead. Others than the denied ones
// have to be among them.
const maxAhead = 10 * maxEvents

// lookAhead pauses, and has the window hold further events meanwhile, if there is room.
// When all that is left is denied, the next ones need not wait for longer than that; and
// they show whether anything else is stored, without which nothing is set aside.
func (f *Forwarder) lookAhead(ctx context.Context, w *window, pause time.Duration) {
	began := time.Now()
	events, bytes := maxAhead-len(w.entries), maxBytes
	for i := range w.entries {
		bytes -= len(w.entries[i].Body)
	}
	if events > 0 && bytes > 0 {
		limited, cancel := context.WithTimeout(ctx, pause)
		// The slice is that of Run, which lets go of its entries alone. There, too, an
		// error is met that lasts.
		entries, _ := f.source.Next(limited, slices.Clip(w.entries), events, bytes)
		cancel()
		f.fill(w, entries)
	}
	f.pause(ctx, pause-time.Since(began))
}
