// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// secret is in every body, and must never be in a log.
const secret = "visitor@example.org"

// event is the i-th of a series. It can be made again to compare with.
func event(i int) spool.Event {
	e := spool.Event{
		Subject:   "events.web.track",
		MessageID: fmt.Sprintf("web:%d", i),
		Body:      fmt.Appendf(nil, `{"type":"track","n":%d,"email":%q,"html":"<&>","pad":%q}`, i, secret, strings.Repeat("x", i%64)),
	}
	if i%2 == 1 {
		e.TraceParent = fmt.Sprintf("00-%032x-%016x-01", i, i)
	}
	return e
}

// events returns the first n of the series.
func events(n int) []spool.Event {
	list := make([]spool.Event, n)
	for i := range list {
		list[i] = event(i + 1)
	}
	return list
}

// memory is a source without a disk. What has been acknowledged is overwritten, as
// nobody may use it any more.
type memory struct {
	mu      sync.Mutex
	entries []spool.Entry
	handed  int // entries that Next has returned
	acked   int
	inDoubt uint64
	fault   error         // Next returns it once
	changed chan struct{} // closed at the next change
	onAck   func(acked int)
	limits  [2]int // of the last call of Next
}

func newMemory() *memory {
	return &memory{changed: make(chan struct{})}
}

// change expects the lock to be held.
func (m *memory) change() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) append(list ...spool.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range list {
		e.Body = bytes.Clone(e.Body)
		m.entries = append(m.entries, spool.Entry{Event: e, Sequence: uint64(len(m.entries) + 1)})
	}
	m.change()
}

// Next implements Source.
func (m *memory) Next(ctx context.Context, entries []spool.Entry, limit, maxBytes int) ([]spool.Entry, error) {
	for {
		m.mu.Lock()
		if err := m.fault; err != nil {
			m.fault = nil
			m.mu.Unlock()
			return entries, err
		}
		if m.handed < len(m.entries) {
			break
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return entries, ctx.Err()
		}
	}
	defer m.mu.Unlock()
	m.limits = [2]int{limit, maxBytes}
	for size, count := 0, 0; m.handed < len(m.entries) && count < limit; m.handed, count = m.handed+1, count+1 {
		entry := m.entries[m.handed]
		if size += len(entry.Body); size > maxBytes && count > 0 {
			break
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// Acknowledge implements Source.
func (m *memory) Acknowledge(sequence uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onAck != nil {
		m.onAck(int(sequence))
	}
	for ; m.acked < int(sequence); m.acked++ {
		clear(m.entries[m.acked].Body)
	}
	m.change()
}

// InDoubt implements Source.
func (m *memory) InDoubt() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inDoubt
}

// restart has all that was not acknowledged come again, as a spool does.
func (m *memory) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inDoubt = uint64(m.handed)
	m.handed = m.acked
}

func (m *memory) acknowledged() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.acked
}

// awaitAcked waits until so many events are acknowledged.
func (m *memory) awaitAcked(t testing.TB, n int) {
	t.Helper()
	deadline := time.NewTimer(natstest.Patience)
	defer deadline.Stop()
	for {
		m.mu.Lock()
		acked, changed := m.acked, m.changed
		m.mu.Unlock()
		if acked >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("%d events acknowledged within %s, want %d", acked, natstest.Patience, n)
		}
	}
}
