// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"time"
)

// await waits until cond is true. Where an error is all that it has to say, the
// last one tells why it took too long.
func await(what string, cond func() (bool, error)) error {
	deadline := time.NewTimer(patience())
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := cond()
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			if err != nil {
				return fmt.Errorf("waited in vain: %s: %w", what, err)
			}
			return fmt.Errorf("waited in vain: %s", what)
		}
	}
}
