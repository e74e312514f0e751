// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// row is a fault and what is expected of it.
type row struct {
	name    string
	setting setting
	// loses is set if events must get lost, and then be counted by the log.
	loses bool
	// long is set if only the long run has it.
	long bool
	// fault runs under load. Before it, pixels have been answered; after it, the
	// load goes on until pixels are stored again that were sent after it.
	fault func(*scene) error
}

// TestFaults runs every fault and compares what was answered with what the streams
// hold. Faults of the short run, which wait more than they compute, run side by side.
func TestFaults(t *testing.T) {
	t.Parallel()
	if !slices.Contains([]string{"both", string(fast), string(async)}, *publishFlag) {
		t.Fatalf("-faults.publish %s: write fast, async or both", *publishFlag)
	}
	var results table
	t.Cleanup(func() {
		text := results.String()
		_, _ = fmt.Fprintln(t.Output(), text)
		if *tableFlag != "" {
			if err := os.WriteFile(*tableFlag, []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	servers := &brokers{t: t, idle: make(map[bool][]*broker)}
	for _, r := range rows() {
		if r.long && !*longFlag {
			continue
		}
		t.Run(r.name, r.test(&results, servers))
	}
}

// test stages the row, lets the fault happen under load, and judges.
func (r row) test(results *table, servers *brokers) func(*testing.T) {
	return func(t *testing.T) {
		if !*longFlag {
			t.Parallel()
		}
		s, err := stage(t, r.setting, servers)
		if s != nil {
			defer s.showLogs(t)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := inOrder(func() error { return s.startLoad(r.setting) }, func() error { return r.fault(s) }, s.recovers); err != nil {
			t.Error(err)
		}
		if !r.loses {
			// What is late is not lost, so the verdict waits for it.
			if err := s.each((*lane).delivers); err != nil {
				t.Error(err)
			}
		}
		if err := s.each((*lane).settle); err != nil {
			t.Error(err)
		}
		for _, l := range s.lanes {
			v := l.judge(r.name, r.loses)
			results.add(v)
			t.Log(v)
			for _, fault := range v.faults {
				t.Errorf("%s: %s", v.way, fault)
			}
		}
	}
}

// showLogs shows the ends of all logs when the test has failed.
func (s *scene) showLogs(t testing.TB) {
	t.Helper()
	if !t.Failed() {
		return
	}
	const lines = 40
	for _, l := range s.lanes {
		t.Logf("log of Caddy, %s:\n%s", l.way, l.caddy.log.tail(lines))
	}
	if s.broker == nil {
		return
	}
	for _, n := range s.broker.servers {
		t.Logf("log of NATS, %s:\n%s", n.name, n.log.tail(lines))
	}
}
