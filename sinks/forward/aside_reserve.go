// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"os"
	"time"
)

const (
	// reserveSize is enough for the largest event of most configurations.
	reserveSize = 1 << 20
	// reserveAgain is the pause after the reserve could not be created.
	reserveAgain = time.Minute
)

// reserve is the name of a file that keeps room for the next event that is set aside.
// On a disk that the spool itself has filled there would be none: the event would stay
// where it is, and nothing behind it would ever be delivered and removed.
func (a *aside) reserve() string { return a.name + ".reserve" }

// keepReserve creates the reserve if it is missing. Without it events are set aside for
// as long as there is room.
func (a *aside) keepReserve() {
	if a.reserved || time.Now().Before(a.reserveAgain) {
		return
	}
	if info, err := os.Stat(a.reserve()); err == nil && info.Size() == reserveSize {
		a.reserved = true
		return
	}
	// A file with a hole would take no room.
	if err := os.WriteFile(a.reserve(), make([]byte, reserveSize), 0o600); err != nil {
		_ = os.Remove(a.reserve())
		a.reserveAgain = time.Now().Add(reserveAgain)
		return
	}
	a.reserved = true
}

// spendReserve makes room, and tells whether it has.
func (a *aside) spendReserve() bool {
	a.reserved = false
	return os.Remove(a.reserve()) == nil
}
