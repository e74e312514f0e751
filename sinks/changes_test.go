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

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// changeLog is what listeners were told during a test.
type changeLog struct {
	mu   sync.Mutex
	list []report.Change
}

func observeChanges(t *testing.T) *changeLog {
	t.Helper()
	l := new(changeLog)
	t.Cleanup(report.OnChange(func(c report.Change) {
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
	natstest.Eventually(t, "the condition holds", func() bool { return len(l.of(name)) >= n })
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
		return report.OnChange(func(c report.Change) { calls = append(calls, name+" "+c.Name) })
	}
	removeA, removeB := listen("a"), listen("b")
	report.Tell("1", nil)
	removeA()
	removeA()
	report.Tell("2", nil)
	removeB()
	report.Tell("3", nil)
	if want := []string{"a 1", "b 1", "b 2"}; !slices.Equal(calls, want) {
		t.Errorf("called %q, want %q", calls, want)
	}
}

// TestOnChangeFromListener removes a listener and asks for the status where another one
// would wait for itself.
func TestOnChangeFromListener(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	s, _ := newJetStream(t, server.ClientURL(), spooled(t.TempDir()))
	called := make(chan report.Status, 100)
	var remove func()
	ready := make(chan struct{})
	remove = report.OnChange(func(report.Change) {
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
		natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })
	})
	natstest.Receive(t, called)
}

// TestChangesOfNATS has NATS be away at first, there, and away again.
func TestChangesOfNATS(t *testing.T) {
	natstest.CheckLeaks(t)
	changes := observeChanges(t)
	nats := natstest.NewRestartable(t)
	s := startNATS(t, nats.URL(), nil)
	wantData(t, changes.await(t, report.ChangeDisconnected, 1), map[string]string{
		"server": nats.URL(), "error": "connection refused", "hint": "check that NATS runs",
	})
	nats.Start()
	wantData(t, changes.await(t, report.ChangeConnected, 1), map[string]string{
		"server": nats.URL(), "server_name": nats.Name() + ", nats-server " + server.VERSION,
	})
	nats.Stop()
	wantData(t, changes.await(t, report.ChangeDisconnected, 2), map[string]string{
		"server": nats.URL(), "error": "EOF", "hint": "check that NATS runs",
	})
	nats.Start()
	changes.await(t, report.ChangeConnected, 2)
	natstest.Eventually(t, "the condition holds", s.lease.value.Connected)
	if n := len(changes.of(report.ChangeDisconnected)); n != 2 {
		t.Errorf("told %d times of a lost connection, want 2: %v", n, changes.of(report.ChangeDisconnected))
	}
}

// TestChangesOfDelivery has events wait for a stream that is full.
func TestChangesOfDelivery(t *testing.T) {
	natstest.CheckLeaks(t)
	changes := observeChanges(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	config := natstest.EventStream()
	config.MaxMsgs = 1
	client.Create(t, config)
	s := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
	publishMany(t, s, "a", 3)
	dir := s.Status().Spool.Dir
	wantData(t, changes.await(t, report.ChangeDeliveryWaits, 1), map[string]string{
		"dir": dir, "events": "2", "error": "the stream is full: raise its limits or remove old messages",
	})
	config.MaxMsgs = 10
	if _, err := client.Js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	data := changes.await(t, report.ChangeDeliveryResumed, 1)
	if after, ok := data["after_seconds"].(float64); !ok || after <= 0 || data["dir"] != dir || len(data) != 2 {
		t.Errorf("told %v", data)
	}
	wantStored(t, client, 3)
	if n := len(changes.of(report.ChangeDeliveryWaits)); n != 1 {
		t.Errorf("told %d times that events wait", n)
	}
}

func TestChangesOfStream(t *testing.T) {
	natstest.CheckLeaks(t)
	changes := observeChanges(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	s, _ := startJetStream(t, server.ClientURL(), nil)
	want := func(n int, streams, findings string) {
		t.Helper()
		wantData(t, changes.await(t, report.ChangeStreamFindings, n), map[string]string{
			"server": server.ClientURL(), "subject": "segment.events.*.*", "streams": streams, "findings": findings,
		})
	}
	want(1, "[]", "no stream covers the subject segment.events.*.*")
	config := natstest.EventStream()
	config.Discard = jetstream.DiscardOld
	client.Create(t, config)
	s.keeper.Load().Look()
	want(2, "[EVENTS]", "EVENTS drops its oldest events")
	if _, err := client.Js.UpdateStream(t.Context(), natstest.EventStream()); err != nil {
		t.Fatal(err)
	}
	s.keeper.Load().Look()
	want(3, "[EVENTS]", "[]")
}

// TestChangesOfSpool fills a spool and has it emptied.
func TestChangesOfSpool(t *testing.T) {
	natstest.CheckLeaks(t)
	changes := observeChanges(t)
	nats := natstest.NewRestartable(t)
	s := startSpooled(t, nats.URL(), spooled(t.TempDir(), func(s *JetStream) { s.Spool.MaxSize = delivery.MinSize }), nil)
	dir := s.Status().Spool.Dir
	_ = fill(t, s)
	wantData(t, changes.await(t, report.ChangeSpoolTrouble, 1), map[string]string{"dir": dir, "trouble": "full"})
	nats.Start()
	natstest.NewTestClient(t, nats.Server).Create(t, natstest.EventStream())
	wantStatus(t, s, true)
	if n := len(changes.of(report.ChangeSpoolWell)); n != 0 {
		t.Errorf("told %d times that the spool is well before an event has shown it", n)
	}
	publish(t, s, newEvent("more"))
	wantData(t, changes.await(t, report.ChangeSpoolWell, 1), map[string]string{"dir": dir, "trouble": "full", "events_refused": "1"})
}

// TestChangesOfDisk tells what no test can do to the disk.
func TestChangesOfDisk(t *testing.T) {
	changes := observeChanges(t)
	d := &delivery.Delivery{Directory: "/spool"}
	d.TellOfSpool(spool.Change{Trouble: spool.TroubleFailing, Err: errors.New("no space left")})
	d.TellOfSpool(spool.Change{Trouble: spool.TroubleFailing, Over: true, Refused: 3})
	wantData(t, changes.of(report.ChangeSpoolTrouble)[0], map[string]string{"dir": "/spool", "trouble": "failing", "error": "no space left"})
	wantData(t, changes.of(report.ChangeSpoolWell)[0], map[string]string{"dir": "/spool", "trouble": "failing", "events_refused": "3"})
	d.TellOfDelivery(forward.Change{After: 1500 * time.Millisecond})
	wantData(t, changes.of(report.ChangeDeliveryResumed)[0], map[string]string{"dir": "/spool", "after_seconds": "1.5"})
}
