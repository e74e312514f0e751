// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"flag"
	"time"
)

var (
	longFlag    = flag.Bool("faults.long", false, "outages beyond the timeouts, more repetitions, random kills")
	rateFlag    = flag.Int("faults.rate", 0, "pixels a second for each Caddy (default 250, or 5000 in the long run)")
	randomFlag  = flag.Duration("faults.random", 5*time.Minute, "how long the random kills of the long run go on")
	publishFlag = flag.String("faults.publish", "both", "fast, async or both")
	syncFlag    = flag.String("faults.sync", "always", "the option sync of the spools")
	tableFlag   = flag.String("faults.table", "", "a file to write the table to")
)

// rate is how many pixels a second each Caddy gets.
func rate() int {
	if *rateFlag > 0 {
		return *rateFlag
	}
	return choose(250, 5000)
}

// choose returns the first value, or the second in the long run.
func choose[T any](short, long T) T {
	if *longFlag {
		return long
	}
	return short
}

// patience is how long something that takes milliseconds on an idle machine is
// waited for.
func patience() time.Duration {
	return choose(30*time.Second, 2*time.Minute)
}
