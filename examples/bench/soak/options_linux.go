// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// options are the flags.
type options struct {
	duration time.Duration
	rate     float64
	outage   time.Duration
	dir      string
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.DurationVar(&o.duration, "for", 10*time.Minute, "how long the load goes on with NATS")
	flags.Float64Var(&o.rate, "rate", 2000, "requests a `second`")
	flags.DurationVar(&o.outage, "outage", 10*time.Minute, "how long the load then goes on without NATS")
	flags.StringVar(&o.dir, "dir", "", "make the temporary `directory` in this one; the spool and the stream are on its disk")
	if err := rig.Parse(flags, args); err != nil {
		return o, err
	}
	const least = 10 * time.Second
	if o.duration < least || o.outage < least || o.rate < 1 {
		return o, errors.New("there have to be 10s or more with NATS and without, and a request a second or more")
	}
	return o, nil
}
