// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"path/filepath"
	"regexp"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// options are the flags.
type options struct {
	rounds   int
	duration time.Duration
	backlog  int
	only     *regexp.Regexp
	svg      string
	dir      string
}

func parseOptions(args []string) (options, error) {
	o := options{only: regexp.MustCompile("")}
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 3, "`number` of rounds, after one to warm up")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "how long each load goes on")
	flags.IntVar(&o.backlog, "backlog", 10_000_000, "the largest `number` of events that are put into a spool; ten million take about 6 GB of disk")
	flags.TextVar(o.only, "only", o.only, "measure only the dimensions whose name matches the `expression`: payload size, connections, write keys, sinks, sites, spool backlog")
	flags.StringVar(&o.svg, "svg", filepath.Join("examples", "bench", "growth.svg"), "draw into the `file`; empty to draw nothing")
	flags.StringVar(&o.dir, "dir", "", "make the temporary `directory` in this one; spools and streams are on its disk")
	if err := rig.Parse(flags, args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.duration < 100*time.Millisecond || o.backlog < 0 {
		return o, errors.New("there have to be a round or more, a duration of 100ms or more and no negative backlog")
	}
	return o, nil
}
