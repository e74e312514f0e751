// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// measure is what one round found out about one variant.
type measure struct {
	cpu  time.Duration // of Caddy, for each pixel that was answered
	p50  time.Duration
	p99  time.Duration
	pace time.Duration // how late the load itself was with one pixel in a hundred
}

// BenchmarkCost measures what the promise costs: every variant gets the same load
// in every round. No time makes it fail, but a loss where there is a spool does.
func BenchmarkCost(b *testing.B) {
	for b.Loop() {
		s, err := stageCost(b)
		if err != nil {
			b.Error(err)
			s.showLogs(b)
			return
		}
		if err := s.measure(); err != nil {
			b.Error(err)
		}
		s.settle(b)
		s.showLogs(b)
		text := s.table()
		b.Log("\n" + text)
		if *tableFlag != "" {
			if err := os.WriteFile(*tableFlag, []byte(text), 0o600); err != nil {
				b.Error(err)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // which would be the duration of the benchmark
}

// costRate is how many pixels a second a variant gets.
func costRate() int {
	if *rateFlag > 0 {
		return *rateFlag
	}
	return 5000
}

// measure makes the rounds. The order is another one in each, as a variant may
// leave something behind for the next one. The first round is for warming up.
func (s *costScene) measure() error {
	const warmUp = time.Second
	for round := range 1 + *roundsFlag {
		for _, n := range rand.Perm(len(s.costs)) {
			c := s.costs[n]
			d := *roundFlag
			if round == 0 {
				d = min(d, warmUp)
			}
			if err := s.flush(); err != nil {
				return err
			}
			m, err := c.measure(d)
			if err != nil {
				return fmt.Errorf("%s: %w", c.variant.name, err)
			}
			if round > 0 {
				c.rounds = append(c.rounds, m)
			}
		}
	}
	return nil
}

// flush has the disk write what is left from before, which is not the burden of
// who comes next.
func (s *costScene) flush() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Syncfs(int(dir.Fd()))
}

// measure makes one round. What Caddy does for a pixel after its answer counts as
// well, so the CPU time ends when everything is stored.
func (c *costLane) measure(d time.Duration) (measure, error) {
	pid := c.caddy.child.cmd.Process.Pid
	before, err := cpuTime(pid)
	if err != nil {
		return measure{}, err
	}
	times := c.load.onTime(costRate(), d)
	c.unanswered += len(times.pace) - len(times.answers)
	if len(times.answers) == 0 {
		return measure{}, errors.Join(errors.New("no pixel was answered"), c.load.failure())
	}
	if err := c.stores(); err != nil {
		return measure{}, err
	}
	after, err := cpuTime(pid)
	return measure{
		cpu:  (after - before) / time.Duration(len(times.answers)),
		p50:  percentile(times.answers, 50),
		p99:  percentile(times.answers, 99),
		pace: percentile(times.pace, 99),
	}, err
}

// stores waits until the stream holds as many events as were answered.
func (c *costLane) stores() error {
	if !c.variant.streams() {
		return nil
	}
	return await("what was answered is stored", func() (bool, error) {
		info, err := c.broker.info(c.way)
		if err != nil {
			return false, err
		}
		dropped, err := c.dropped()
		return int64(info.State.Msgs)+int64(dropped) >= c.load.answered.Load(), err
	})
}

// settle ends the Caddies and compares what was answered with what is stored.
func (s *costScene) settle(b *testing.B) {
	b.Helper()
	for _, c := range s.costs {
		if err := c.settle(); err != nil {
			b.Errorf("%s: %v", c.variant.name, err)
		}
		for _, fault := range c.verdict.faults {
			if c.variant.promises() {
				b.Errorf("%s: %s", c.variant.name, fault)
			} else {
				b.Logf("%s: %s", c.variant.name, fault)
			}
		}
	}
}

func (c *costLane) settle() error {
	var errs error
	if c.unanswered > 0 {
		// The figures of this variant stand for less load than those of the others.
		errs = errors.Join(fmt.Errorf("%d pixels were not answered", c.unanswered), c.load.failure())
	}
	if !c.variant.streams() {
		c.verdict = verdict{answered: int(c.load.answered.Load())}
		return errors.Join(errs, c.caddy.terminate())
	}
	errs = errors.Join(errs, c.lane.settle())
	c.verdict = c.judge(c.variant.name, false)
	return errs
}
