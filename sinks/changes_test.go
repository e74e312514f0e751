// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// changeLog is what listeners were told during a test.
type changeLog struct {
	mu   sync.Mutex
	list []Change
}

func observeChanges(t *testing.T) *changeLog {
	t.Helper()
	l := new(changeLog)
	t.Cleanup(OnChange(func(c Change) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, c)
	}))
	return l
}

// of returns the data of the changes with a name.
func (l *changeLog) of(name string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var data []map[string]any
	for _, c := range l.list {
		if c.Name == name {
			data = append(data, c.Data)
		}
	}
	return data
}

// await returns the data of the nth change with a name, from one on.
func (l *changeLog) await(t *testing.T, name string, n int) map[string]any {
	t.Helper()
	eventually(t, patience, func() bool { return len(l.of(name)) >= n })
	return l.of(name)[n-1]
}

// wantData looks for texts in the data, in which everything has to be there.
func wantData(t *testing.T, data map[string]any, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got := fmt.Sprint(data[name]); !strings.Contains(got, text) {
			t.Errorf("%s is %q, want %q in it", name, got, text)
		}
	}
	if len(data) != len(want) {
		t.Errorf("the data are %v, want no more than %d", data, len(want))
	}
}

func TestOnChange(t *testing.T) {
	var calls []string
	listen := func(name string) func() {
		return OnChange(func(c Change) { calls = append(calls, name+" "+c.Name) })
	}
	removeA, removeB := listen("a"), listen("b")
	tell("1", nil)
	removeA()
	removeA()
	tell("2", nil)
	removeB()
	tell("3", nil)
	if want := []string{"a 1", "b 1", "b 2"}; !slices.Equal(calls, want) {
		t.Errorf("called %q, want %q", calls, want)
	}
}

// TestOnChangeFromListener removes a listener and asks for the status where another one
// would wait for itself.
func TestOnChangeFromListener(t *testing.T) {
	checkLeaks(t)
	server := startServer(t, withJetStream)
	s, _ := newJetStream(t, server.ClientURL(), spooled(t.TempDir()))
	called := make(chan Status, 100)
	var remove func()
	ready := make(chan struct{})
	remove = OnChange(func(Change) {
		<-ready
		remove()
		called <- s.Status()
	})
	close(ready)
	if err := s.Start(Site{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		eventually(t, patience, func() bool { return liveDeliveries() == 0 })
	})
	receive(t, called)
}

// TestChangesOfNATS has NATS be away at first, there, and away again.
func TestChangesOfNATS(t *testing.T) {
	checkLeaks(t)
	changes := observeChanges(t)
	nats := newRestartable(t)
	s := startNATS(t, nats.url(), nil)
	wantData(t, changes.await(t, ChangeDisconnected, 1), map[string]string{
		"server": nats.url(), "error": "connection refused", "hint": "check that NATS runs",
	})
	nats.start()
	wantData(t, changes.await(t, ChangeConnected, 1), map[string]string{
		"server": nats.url(), "server_name": nats.Name() + ", nats-server " + server.VERSION,
	})
	nats.stop()
	wantData(t, changes.await(t, ChangeDisconnected, 2), map[string]string{
		"server": nats.url(), "error": "EOF", "hint": "check that NATS runs",
	})
	nats.start()
	changes.await(t, ChangeConnected, 2)
	eventually(t, patience, s.lease.value.connected)
	if n := len(changes.of(ChangeDisconnected)); n != 2 {
		t.Errorf("told %d times of a lost connection, want 2: %v", n, changes.of(ChangeDisconnected))
	}
}

// TestChangesOfDelivery has events wait for a stream that is full.
func TestChangesOfDelivery(t *testing.T) {
	checkLeaks(t)
	changes := observeChanges(t)
	server := startServer(t, withJetStream)
	client := newTestClient(t, server)
	config := eventStream()
	config.MaxMsgs = 1
	client.create(t, config)
	s := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
	publishMany(t, s, "a", 3)
	dir := s.Status().Spool.Dir
	wantData(t, changes.await(t, ChangeDeliveryWaits, 1), map[string]string{
		"dir": dir, "events": "2", "error": "the stream is full: raise its limits or remove old messages",
	})
	config.MaxMsgs = 10
	if _, err := client.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	data := changes.await(t, ChangeDeliveryResumed, 1)
	if after, ok := data["after_seconds"].(float64); !ok || after <= 0 || data["dir"] != dir || len(data) != 2 {
		t.Errorf("told %v", data)
	}
	wantStored(t, client, 3)
	if n := len(changes.of(ChangeDeliveryWaits)); n != 1 {
		t.Errorf("told %d times that events wait", n)
	}
}

func TestChangesOfStream(t *testing.T) {
	checkLeaks(t)
	changes := observeChanges(t)
	server := startServer(t, withJetStream)
	client := newTestClient(t, server)
	s, _ := startJetStream(t, server.ClientURL(), nil)
	want := func(n int, streams, findings string) {
		t.Helper()
		wantData(t, changes.await(t, ChangeStreamFindings, n), map[string]string{
			"server": server.ClientURL(), "subject": "segment.events.*.*", "streams": streams, "findings": findings,
		})
	}
	want(1, "[]", "no stream covers the subject segment.events.*.*")
	config := eventStream()
	config.Discard = jetstream.DiscardOld
	client.create(t, config)
	s.keeper.Load().look()
	want(2, "[EVENTS]", "EVENTS drops its oldest events")
	if _, err := client.js.UpdateStream(t.Context(), eventStream()); err != nil {
		t.Fatal(err)
	}
	s.keeper.Load().look()
	want(3, "[EVENTS]", "[]")
}

// TestChangesOfSpool fills a spool and has it emptied.
func TestChangesOfSpool(t *testing.T) {
	checkLeaks(t)
	changes := observeChanges(t)
	nats := newRestartable(t)
	s := startSpooled(t, nats.url(), spooled(t.TempDir(), func(s *JetStream) { s.Spool.MaxSize = minSpoolSize }), nil)
	dir := s.Status().Spool.Dir
	_ = fill(t, s)
	wantData(t, changes.await(t, ChangeSpoolTrouble, 1), map[string]string{"dir": dir, "trouble": "full"})
	nats.start()
	newTestClient(t, nats.Server).create(t, eventStream())
	wantStatus(t, s, true)
	if n := len(changes.of(ChangeSpoolWell)); n != 0 {
		t.Errorf("told %d times that the spool is well before an event has shown it", n)
	}
	publish(t, s, newEvent("more"))
	wantData(t, changes.await(t, ChangeSpoolWell, 1), map[string]string{"dir": dir, "trouble": "full", "events_refused": "1"})
}

// TestChangesOfDisk tells what no test can do to the disk.
func TestChangesOfDisk(t *testing.T) {
	changes := observeChanges(t)
	d := &delivery{directory: "/spool"}
	d.tellOfSpool(spool.Change{Trouble: spool.TroubleFailing, Err: errors.New("no space left")})
	d.tellOfSpool(spool.Change{Trouble: spool.TroubleFailing, Over: true, Refused: 3})
	wantData(t, changes.of(ChangeSpoolTrouble)[0], map[string]string{"dir": "/spool", "trouble": "failing", "error": "no space left"})
	wantData(t, changes.of(ChangeSpoolWell)[0], map[string]string{"dir": "/spool", "trouble": "failing", "events_refused": "3"})
	d.tellOfDelivery(forward.Change{After: 1500 * time.Millisecond})
	wantData(t, changes.of(ChangeDeliveryResumed)[0], map[string]string{"dir": "/spool", "after_seconds": "1.5"})
}
