// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// changes are those that a spool has told of, and the events that it has lost.
type changes struct {
	mu   sync.Mutex
	list []Change
	lost uint64
}

// told has a spool tell of its changes.
func (c *changes) told(o Options) Options {
	o.Changed = func(change Change) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, change)
	}
	o.Lost = func(events uint64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lost += events
	}
	return o
}

func (c *changes) all() []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// names are the changes in short, as in "full full-over".
func (c *changes) names() string {
	var names []string
	for _, change := range c.all() {
		name := string(change.Trouble)
		if change.Over {
			name += "-over"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestChangesOfFailing(t *testing.T) {
	var c changes
	s, faulty := openFaulty(t, c.told(Options{Dir: t.TempDir()}))
	faulty.log.Store(true)
	for range 2 {
		if err := s.Append(testEvent(0)); !errors.Is(err, errDisk) {
			t.Fatalf("appending to a broken disk: got error %v", err)
		}
	}
	if got := c.all(); len(got) != 1 || got[0].Trouble != TroubleFailing || !errors.Is(got[0].Err, errDisk) {
		t.Errorf("told of %+v", got)
	}
	faulty.log.Store(false)
	recovered(t, s, 1)
	if got := c.all(); len(got) != 2 || got[1].Trouble != TroubleFailing || !got[1].Over || got[1].Refused < 2 {
		t.Errorf("told of %+v", got)
	}
}

// TestMended asks a failing spool how its disk is, which nobody writes to.
func TestMended(t *testing.T) {
	dir := t.TempDir()
	s, faulty := openFaulty(t, Options{Dir: dir})
	blocker := filepath.Join(dir, probeName)
	if err := os.MkdirAll(filepath.Join(blocker, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	faulty.log.Store(true)
	k := keeper{Spool: s}
	look := func(failing, mended bool) {
		t.Helper()
		k.probe()
		if stats := s.Stats(); stats.Failing != nil != failing || stats.Mended != mended {
			t.Errorf("the spool fails with %v, mended %v", stats.Failing, stats.Mended)
		}
	}
	look(false, false)
	if s.Append(testEvent(0)) == nil {
		t.Fatal("a broken disk took an event")
	}
	look(true, false)
	if err := os.RemoveAll(blocker); err != nil {
		t.Fatal(err)
	}
	look(true, true)
	faulty.log.Store(false)
	recovered(t, s, 1)
	look(false, false)
}

// TestChangesOfFull makes room in a full spool: it is full no more for those who ask
// as soon as there is room, and for those who are told when an event has come.
func TestChangesOfFull(t *testing.T) {
	var c changes
	s := openTest(t, c.told(Options{Dir: t.TempDir(), MaxSize: 8 * pageSize, Sync: SyncOff}))
	e := Event{Subject: "s", Body: noise(20_000)}
	stored := 0
	for s.Append(e) == nil {
		stored++
	}
	if got := c.names(); got != "full" || !s.Stats().Full {
		t.Errorf("told of %s", got)
	}
	entries := nextTest(t, s, stored)
	s.Acknowledge(entries[len(entries)-1].Sequence)
	eventually(t, "room", func() bool { return !s.Stats().Full })
	if got := c.names(); got != "full" {
		t.Errorf("told of %s", got)
	}
	eventually(t, "an append", func() bool { return s.Append(e) == nil })
	if got := c.names(); got != "full full-over" {
		t.Errorf("told of %s", got)
	}
}

func TestChangesOfCheckpoint(t *testing.T) {
	var c changes
	s := openTest(t, c.told(Options{Dir: t.TempDir()}))
	k := keeper{Spool: s}
	for _, err := range []error{nil, errDisk, errDisk, nil, nil} {
		k.note(err)
	}
	if got := c.names(); got != "checkpoint checkpoint-over" {
		t.Errorf("told of %s", got)
	}
}

// TestLost removes events before they are read. What the log says is lost is counted.
func TestLost(t *testing.T) {
	var c changes
	logged := newLogs()
	dir := t.TempDir()
	s := openTest(t, c.told(Options{Dir: dir, Logger: logged.get}), smallQueue(0))
	appendTest(t, s, 0, 10)
	expect(t, nextTest(t, s, 4), numbered(0, 4))
	s.reading.Lock()
	s.reader.records, s.reader.record = nil, nil
	s.reading.Unlock()
	if err := os.Remove(currentSegment(s).Name(dir)); err != nil {
		t.Fatal(err)
	}
	expect(t, pending(t, s), nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != 6 || logged.lost() != 6 {
		t.Errorf("%d events are counted as lost and %d logged, want 6", c.lost, logged.lost())
	}
}

func TestStatsOfSync(t *testing.T) {
	for _, sync := range []time.Duration{SyncAlways, SyncOff, time.Second} {
		t.Run(fmt.Sprint(sync), func(t *testing.T) {
			s := openTest(t, Options{Dir: t.TempDir(), Sync: sync})
			if got := s.Stats().Sync; got != sync {
				t.Errorf("got %v, want %v", got, sync)
			}
		})
	}
}
