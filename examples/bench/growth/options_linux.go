// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"time"
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
	var o options
	only := ""
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 3, "`number` of rounds, after one to warm up")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "how long each load goes on")
	flags.IntVar(&o.backlog, "backlog", 10_000_000, "the largest `number` of events that are put into a spool; ten million take about 6 GB of disk")
	flags.StringVar(&only, "only", "", "measure only the dimensions whose name matches the `expression`: payload size, connections, write keys, sinks, sites, spool backlog")
	flags.StringVar(&o.svg, "svg", filepath.Join("examples", "bench", "growth.svg"), "draw into the `file`; empty to draw nothing")
	flags.StringVar(&o.dir, "dir", "", "make the temporary `directory` in this one; spools and streams are on its disk")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; all options begin with a dash", flags.Arg(0))
	}
	if o.rounds < 1 || o.duration < 100*time.Millisecond || o.backlog < 0 {
		return o, errors.New("there have to be a round or more, a duration of 100ms or more and no negative backlog")
	}
	var err error
	if o.only, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	return o, nil
}
