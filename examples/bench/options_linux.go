// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// options are the flags.
type options struct {
	rounds      int
	duration    time.Duration
	warmUp      time.Duration
	connections int
	rate        float64 // 0 for half of what jetstream with "sync always" manages
	sizes       sizes
	only        *regexp.Regexp
	dir         string
	profile     string
	foreign     foreigners
}

func parseOptions(args []string) (options, error) {
	o := options{sizes: sizes{300, 700}, only: regexp.MustCompile("")}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "`number` of rounds, after warming up")
	flags.DurationVar(&o.duration, "duration", time.Second, "how long each load goes on")
	flags.DurationVar(&o.warmUp, "warmup", 300*time.Millisecond, "how long the load goes on before each that is measured")
	flags.IntVar(&o.connections, "connections", 64, "`number` of connections")
	flags.Float64Var(&o.rate, "rate", 0, "requests a `second` of the load with a fixed rate; 0 is half of what jetstream with \"sync always\" manages")
	flags.Var(&o.sizes, "size", "`bytes` of the payloads' JSON, one size or the least and the most with a dash between")
	flags.TextVar(o.only, "only", o.only, "measure only the contenders whose name matches the `expression`, and the floor")
	flags.StringVar(&o.dir, "dir", "", "make the temporary `directory` in this one; spools and streams are on its disk")
	flags.StringVar(&o.profile, "profile", "", "write CPU profiles of the Caddies into the `directory`, taken in their first turn")
	flags.Var(&o.foreign, "contender", "also measure the server `name=url,pid`, which runs already; may be repeated")
	if err := rig.Parse(flags, args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.duration < time.Second || o.warmUp <= 0 || o.connections < 1 || o.rate < 0 {
		return o, fmt.Errorf("there have to be a round and a connection or more, a duration of 1s or more, a warmup above 0 and a rate not below it")
	}
	return o, nil
}

// sizes are the least and the most bytes of a payload.
type sizes struct {
	least, most int
}

// String returns what Set takes.
func (s *sizes) String() string {
	if s.least == s.most {
		return strconv.Itoa(s.least)
	}
	return fmt.Sprintf("%d-%d", s.least, s.most)
}

// Set reads the flag.
func (s *sizes) Set(text string) error {
	least, most, found := strings.Cut(text, "-")
	if !found {
		most = least
	}
	var err error
	if s.least, err = strconv.Atoi(least); err != nil {
		return err
	}
	s.most, err = strconv.Atoi(most)
	return err
}

// foreigner is a server that somebody else has started.
type foreigner struct {
	name string
	url  string
	pid  int
}

type foreigners []foreigner

// String returns what Set takes.
func (f *foreigners) String() string {
	var texts []string
	for _, one := range *f {
		texts = append(texts, fmt.Sprintf("%s=%s,%d", one.name, one.url, one.pid))
	}
	return strings.Join(texts, " ")
}

// Set reads one contender.
func (f *foreigners) Set(text string) error {
	name, rest, named := strings.Cut(text, "=")
	address, id, numbered := strings.Cut(rest, ",")
	if !named || !numbered || name == "" {
		return fmt.Errorf("write name=url,pid, as in other=http://127.0.0.1:8080,4711")
	}
	pid, err := strconv.Atoi(id)
	if err != nil {
		return fmt.Errorf("pid of %s: %w", name, err)
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("the URL of %s is to be http:// or https:// with a host and port, and no path", name)
	}
	*f = append(*f, foreigner{name: name, url: u.Scheme + "://" + u.Host, pid: pid})
	return nil
}
