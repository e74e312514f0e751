// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/wal"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	testSize = 16 << 20
	// pageSize is how much of a segment tests spoil at once.
	pageSize = 32 << 10
	// firstRecord is where the first record of a segment begins.
	firstRecord = wal.SegmentOverhead
	// deadline is for what never takes long, so that a test fails rather than hangs.
	deadline = time.Minute
)

// logs collects what a spool logs.
type logs struct {
	*observer.ObservedLogs
	logger *zap.Logger
}

func newLogs() logs {
	core, observed := observer.New(zap.InfoLevel)
	return logs{observed, zap.New(core)}
}

func (l logs) get() *zap.Logger {
	return l.logger
}

// find returns the lines that begin with a text.
func (l logs) find(text string) []observer.LoggedEntry {
	return l.Filter(func(e observer.LoggedEntry) bool {
		return strings.HasPrefix(e.Message, text)
	}).All()
}

// lost adds up the events that were reported as lost.
func (l logs) lost() (n uint64) {
	for _, line := range l.find("events in the spool cannot be read") {
		n += line.ContextMap()["events_lost"].(uint64)
	}
	return n
}

// openTest opens a spool that the test closes at its end.
func openTest(t testing.TB, o Options, change ...func(*tuning)) *Spool {
	t.Helper()
	s, err := tryOpen(o, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func tryOpen(o Options, change ...func(*tuning)) (*Spool, error) {
	if o.MaxSize == 0 {
		o.MaxSize = testSize
	}
	tuned := defaultTuning()
	for _, c := range change {
		c(&tuned)
	}
	return open(o, tuned)
}

func smallQueue(size int) func(*tuning) {
	return func(t *tuning) { t.queueSize = size }
}

func wrapped(wrap func(segmentLog) segmentLog) func(*tuning) {
	return func(t *tuning) { t.wrapLog = wrap }
}

// testEvent is the event with a number.
func testEvent(n int) Event {
	id := strconv.Itoa(n)
	return Event{
		Subject:     "segment.events." + strconv.Itoa(n%3),
		MessageID:   id,
		TraceParent: strings.Repeat("t", n%2*5),
		Body:        []byte(`{"n":` + id + `,"text":"` + strings.Repeat(id, n%40) + `"}`),
	}
}

// numberOf checks that an entry is the test event that it says it is.
func numberOf(t testing.TB, e Entry) int {
	t.Helper()
	n, err := strconv.Atoi(e.MessageID)
	if err != nil {
		t.Fatalf("entry %d has the message id %q", e.Sequence, e.MessageID)
	}
	if want := testEvent(n); fmt.Sprint(want) != fmt.Sprint(e.Event) {
		t.Fatalf("entry %d is %v, not %v", e.Sequence, e.Event, want)
	}
	return n
}

func appendTest(t testing.TB, s *Spool, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := s.Append(testEvent(n)); err != nil {
			t.Fatalf("appending event %d: %v", n, err)
		}
	}
}

// nextTest returns entries, waiting for them.
func nextTest(t testing.TB, s *Spool, limit int) []Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	entries, err := s.Next(ctx, nil, limit, 1<<30)
	if err != nil {
		t.Fatalf("next: %v", err)
	}
	return entries
}

// currentSegment is the segment that is written to. The keeper may begin another one at
// any time.
func currentSegment(s *Spool) wal.Segment {
	segment, _ := s.log.End()
	return segment
}

// pending returns what a spool has to hand out, without waiting.
func pending(t testing.TB, s *Spool) []Entry {
	t.Helper()
	s.reading.Lock()
	defer s.reading.Unlock()
	entries, err := s.reader.fill(nil, 1<<30, 1<<30)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return entries
}

// inNewSegment has the next event begin a segment.
func inNewSegment(s *Spool) { s.suspect.Store(true) }

func numbers(t testing.TB, entries []Entry) []int {
	t.Helper()
	got := make([]int, 0, len(entries))
	for _, e := range entries {
		got = append(got, numberOf(t, e))
	}
	return got
}

func numbered(from, to int) []int {
	all := make([]int, 0, max(to-from, 0))
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func expect(t testing.TB, entries []Entry, want []int) {
	t.Helper()
	if got := numbers(t, entries); !slices.Equal(got, want) {
		t.Fatalf("got events %v, want %v", brief(got), brief(want))
	}
}

func brief(all []int) string {
	if len(all) <= 20 {
		return fmt.Sprint(all)
	}
	return fmt.Sprintf("%v ... %v (%d)", all[:8], all[len(all)-8:], len(all))
}

// segments returns the segment files of a directory, in order.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range log.Segments() {
		names = append(names, s.Name(dir))
	}
	return names
}

// copyDir copies the files of a spool, as a crash would leave them.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(from, file.Name()))
		if os.IsNotExist(err) || file.IsDir() {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, file.Name()), content)
	}
}

func write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	end := time.NewTimer(deadline)
	defer end.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-end.C:
			t.Fatalf("%s: never", what)
		}
	}
}
