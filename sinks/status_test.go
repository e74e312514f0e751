// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// wantStatus waits until a sink is as ready as wanted and has these problems, each of
// which is given by a part of it.
func wantStatus(t *testing.T, s Reporter, ready bool, problems ...string) report.Status {
	t.Helper()
	var status report.Status
	defer func() {
		if t.Failed() {
			text, err := json.MarshalIndent(status, "", " ")
			t.Logf("want ready %v with %q, got %s %v", ready, problems, text, err)
		}
	}()
	natstest.Eventually(t, "the condition holds", func() bool {
		status = s.Status()
		if status.Ready != ready || len(status.Problems) != len(problems) {
			return false
		}
		for i, problem := range problems {
			if !strings.Contains(status.Problems[i], problem) {
				return false
			}
		}
		return true
	})
	return status
}

const (
	natsIsAway   = "NATS is not connected (dial tcp"
	noStreamTake = "no stream covers the subject segment.events.*.*: create one"
)

func TestStatusOfNATS(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	s := newNATS(t, nats.URL(), nil)
	if status := wantStatus(t, s, false, report.NotRunning); status.Server != nats.URL() || status.Connected != nil {
		t.Errorf("before it starts, the status is %+v", status)
	}
	startSink(t, s)
	publish(t, s, newEvent("1"))
	status := wantStatus(t, s, false, natsIsAway, "1 events wait in memory")
	if *status.Connected || status.NATS != "" || !strings.Contains(status.Problems[0], "check that NATS runs") {
		t.Errorf("without NATS, the status is %+v", status)
	}
	c := countFrom(s.meter())
	nats.Start()
	status = wantStatus(t, s, true)
	if !*status.Connected || status.NATS != nats.Name()+", nats-server "+server.VERSION || status.Subject != "segment.events.*.*" {
		t.Errorf("with NATS, the status is %+v", status)
	}
	c.want(t, report.Counts{Published: 1})
	stopAndWait(t, s, s.lease.value)
	wantStatus(t, s, false, report.NotRunning)
}

// TestStatusWithoutSpool has a sink that depends on NATS and on the stream.
func TestStatusWithoutSpool(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	s, _ := newJetStream(t, nats.URL(), nil)
	wantStatus(t, s, false, report.NotRunning)
	startSink(t, s)
	t.Cleanup(func() { stopJetStream(t, s) })
	if status := wantStatus(t, s, false, natsIsAway); status.Spool != nil || status.Stream != nil {
		t.Errorf("without NATS, the status is %+v", status)
	}
	nats.Start()
	status := wantStatus(t, s, false, noStreamTake)
	if text, err := json.Marshal(status.Stream); err != nil || !strings.HasPrefix(string(text), `{"names":[],"batched":false,"findings":["no stream`) {
		t.Errorf("without a stream, its status is %s, %v", text, err)
	}
	client := natstest.NewTestClient(t, nats.Server)
	config := natstest.EventStream()
	config.Discard, config.AllowBatchPublish = jetstream.DiscardOld, false
	client.Create(t, config)
	publish(t, s, newEvent("1"))
	s.keeper.Load().Look()
	status = wantStatus(t, s, true, "the stream EVENTS drops its oldest events when it is full", "the stream EVENTS does not allow batched")
	if status.Stream.Names[0] != "EVENTS" || status.Stream.Batched || status.Counts.Acked == 0 {
		t.Errorf("with a stream, the status is %+v", status)
	}
	nats.Stop()
	wantStatus(t, s, false, "NATS is not connected (", "EVENTS drops", "EVENTS does not")
}

// TestStatusOfBlindKeeper has NATS refuse to show its streams: events may be published.
func TestStatusOfBlindKeeper(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil) // without JetStream
	s, _ := startJetStream(t, server.ClientURL(), nil)
	status := wantStatus(t, s, true, "the stream cannot be looked after: looking for a stream that covers segment.events.*.*")
	if !strings.Contains(status.Problems[0], "check that JetStream is on") || status.Stream.Failure == "" || status.Stream.Names == nil {
		t.Errorf("the status is %+v", status)
	}
}

// TestStatusWithSpool has a sink that is ready whatever NATS does, until its spool is
// full.
func TestStatusWithSpool(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	dir := t.TempDir()
	s := startSpooled(t, nats.URL(), spooled(dir, func(s *JetStream) { s.Spool.MaxSize, s.Spool.Sync = delivery.MinSize, "50ms" }), nil)
	status := wantStatus(t, s, true, natsIsAway)
	if sp := status.Spool; sp.Dir == "" || !sp.Open || sp.Events != 0 || sp.Capacity != delivery.MinSize || sp.Sync != "50ms" || sp.OldestSeconds != 0 {
		t.Errorf("the spool is %+v", *sp)
	}
	publish(t, s, newEvent("1"))
	waits := "events wait in the spool: NATS is not connected"
	status = wantStatus(t, s, true, natsIsAway, "1 "+waits)
	if sp := status.Spool; sp.Events != 1 || sp.Bytes == 0 || sp.OldestSeconds <= 0 || sp.Waiting != forward.ErrNotConnected.Error() {
		t.Errorf("the spool is %+v", *sp)
	}
	_ = fill(t, s)
	status = wantStatus(t, s, false, natsIsAway, "is full: see why events are not acknowledged, or raise max_size", waits)
	if !status.Spool.Full {
		t.Errorf("the spool is %+v", *status.Spool)
	}

	nats.Start()
	// Without a stream nothing takes events.
	wantStatus(t, s, false, noStreamTake, "is full", "no stream takes the subject")
	natstest.NewTestClient(t, nats.Server).Create(t, natstest.EventStream())
	// The spool is drained, and nobody has sent an event since.
	status = wantStatus(t, s, true)
	if status.Spool.Full || status.Spool.Waiting != "" || !status.Stream.Batched {
		t.Errorf("the status is %+v with %+v and %+v", status, *status.Spool, *status.Stream)
	}
}

// TestStatusOfClosedSpool has a disk that does not let the spool open.
func TestStatusOfClosedSpool(t *testing.T) {
	natstest.CheckLeaks(t)
	changes := observeChanges(t)
	registry := register(t)
	var full atomic.Bool
	full.Store(true)
	delivery.OpenSpool = func(o spool.Options) (*spool.Spool, error) {
		if full.Load() {
			return nil, fmt.Errorf("opening: %w", syscall.ENOSPC)
		}
		return spool.Open(o)
	}
	t.Cleanup(func() { delivery.OpenSpool = spool.Open })
	nats := natstest.NewRestartable(t)
	s := startSpooled(t, nats.URL(), spooled(filepath.Join(t.TempDir(), "spool")), nil)
	status := wantStatus(t, s, false, natsIsAway, "is not open (opening: no space left on device): free or repair the disk")
	if sp := status.Spool; sp.Open || sp.Failing == "" || sp.Capacity != delivery.DefaultSize || sp.Sync != "always" {
		t.Errorf("the spool is %+v", *sp)
	}
	dir := status.Spool.Dir
	wantValues(t, gather(t, registry, "dir="+dir), map[string]float64{"spool_open": 0})
	wantData(t, changes.await(t, report.ChangeSpoolTrouble, 1), map[string]string{"dir": dir, "trouble": "not_open", "error": "no space left"})
	c := countFrom(s.meter())
	err := s.Publish(t.Context(), newEvent("1"))
	Dropped(s, err)
	c.want(t, report.Counts{Dropped: map[string]uint64{"spool_failing": 1}})

	full.Store(false)
	wantData(t, changes.await(t, report.ChangeSpoolWell, 1), map[string]string{"dir": dir, "trouble": "not_open", "events_refused": "0"})
	wantStatus(t, s, true, natsIsAway)
	wantValues(t, gather(t, registry, "dir="+dir), map[string]float64{"spool_open": 1, "spool_failing": 0})
}

// TestStatusWhileDialling asks for the status from when a sink begins to start until it
// has, with a NATS that says nothing.
func TestStatusWhileDialling(t *testing.T) {
	natstest.CheckLeaks(t)
	for name, newSink := range map[string]func(url string) Sink{
		"nats":      func(url string) Sink { return newNATS(t, url, nil) },
		"jetstream": func(url string) Sink { s, _ := newJetStream(t, url, nil); return s },
	} {
		t.Run(name, func(t *testing.T) {
			// Each has its own: with one server, they would share a connection.
			silent, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			s := newSink("nats://" + silent.Addr().String())
			ended := make(chan error, 1)
			go func() { ended <- s.(Starter).Start(Site{}) }()
			dialled, err := silent.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer dialled.Close()
			given := make(chan struct{})
			go func() {
				defer close(given)
				_, _ = dialled.Read(make([]byte, 1)) // until the sink has given up
			}()
			starts := s.(Reporter).Status()
			if err := natstest.Receive(t, ended); err != nil {
				t.Fatal(err)
			}
			defer s.(Starter).Stop()
			runs := s.(Reporter).Status()
			select {
			case <-given:
				t.Error("the status has waited for NATS")
			default:
			}
			if len(starts.Problems) != 1 || starts.Ready {
				t.Errorf("while the sink starts, the status is %+v", starts)
			}
			if len(runs.Problems) != 1 || runs.Problems[0] != "NATS is not connected yet" || runs.Ready {
				t.Errorf("after that it is %+v", runs)
			}
		})
	}
}

// TestStatusWhileOpening asks for the status while the disk keeps the opening of the
// spool waiting, at the start and later.
func TestStatusWhileOpening(t *testing.T) {
	natstest.CheckLeaks(t)
	begun, let := make(chan struct{}), make(chan error)
	delivery.OpenSpool = func(o spool.Options) (*spool.Spool, error) {
		begun <- struct{}{}
		if err := <-let; err != nil {
			return nil, err
		}
		return spool.Open(o)
	}
	t.Cleanup(func() { delivery.OpenSpool = spool.Open })
	registry := register(t)
	s, _ := newJetStream(t, natstest.NewRestartable(t).URL(), spooled(t.TempDir()))
	status := func() report.Status {
		t.Helper()
		got := make(chan report.Status, 1)
		go func() {
			_, _ = registry.Gather()
			got <- s.Status()
		}()
		return natstest.Receive(t, got)
	}
	started := make(chan error, 1)
	go func() { started <- s.Start(Site{}) }()
	natstest.Receive(t, begun)
	if now := status(); now.Problems[0] != report.NotRunning {
		t.Errorf("while the sink starts, the status is %+v", now)
	}
	let <- syscall.ENOSPC
	if err := natstest.Receive(t, started); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })
	})
	natstest.Receive(t, begun)
	if now := status(); now.Spool == nil || now.Spool.Open || now.Spool.Failing == "" {
		t.Errorf("while the spool is opened again, the status is %+v", now)
	}
	let <- nil
	wantStatus(t, s, true, natsIsAway)
}

// TestStatusOfFailingSpool says what no test can do to the disk.
func TestStatusOfFailingSpool(t *testing.T) {
	for _, test := range []struct {
		stats spool.Stats
		takes bool
		want  string
	}{
		{spool.Stats{}, true, ""},
		{spool.Stats{Full: true}, false, "the spool /s is full"},
		{spool.Stats{Failing: syscall.EIO}, false, "the spool /s cannot be written (input/output error): check the disk's free space"},
		{spool.Stats{Failing: syscall.EIO, Mended: true}, true, "the disk takes files again"},
		{spool.Stats{Failing: syscall.EIO, Mended: true, Full: true}, false, "the disk takes files again"},
	} {
		status := report.Status{Spool: &report.SpoolStatus{Dir: "/s"}}
		describeTrouble(&status, &test.stats)
		if got := strings.Join(status.Problems, "; "); !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%+v has the problems %q, want %q", test.stats, got, test.want)
		}
		if takes := takesEvents(&test.stats); takes != test.takes {
			t.Errorf("%+v takes events: %v", test.stats, takes)
		}
	}
}

// TestStatusOfExpiredLogin has a server end a connection whose user expires. The
// operator is told so once, and by which file.
func TestStatusOfExpiredLogin(t *testing.T) {
	natstest.CheckLeaks(t)
	changes := observeChanges(t)
	var file string
	end := time.Now().Add(5 * time.Second)
	server := natstest.StartPlain(t, func(o *server.Options) {
		token, seed := natstest.OperatorMode(t, o, natstest.Expiring(end))
		file = natstest.CredsFile(t, token, seed)
	})
	s := newNATS(t, server.ClientURL(), func(s *NATS) { s.Creds = file })
	logs := conntest.ObserveLogs(t)
	startSink(t, s)
	t.Cleanup(func() { stopAndWait(t, s, s.lease.value) })
	wantStatus(t, s, true)
	expired := "the user in the file " + file + " of the option creds has expired at " + end.UTC().Format(time.RFC3339)
	wantStatus(t, s, false, expired)
	wantData(t, changes.await(t, report.ChangeDisconnected, 1), map[string]string{
		"server": server.ClientURL(), "error": "expired", "hint": expired,
	})
	for _, message := range []string{"NATS ends the connection", "disconnected from NATS, reconnecting"} {
		lines := logs.FilterMessage(message).All()
		if len(lines) == 0 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["hint"]), expired) {
			t.Errorf("logged %q, want %q with the file", natstest.Messages(logs), message)
		}
	}
	natstest.Eventually(t, "the condition holds", func() bool {
		varz, err := server.Varz(nil)
		return err == nil && varz.TotalConnections >= 5
	})
	if n := logs.FilterMessage("cannot reconnect to NATS yet, trying on").Len(); n > 0 {
		t.Errorf("the same is logged again: %q", natstest.Messages(logs))
	}
}

func TestStatusOfOtherSinks(t *testing.T) {
	natstest.CheckLeaks(t)
	w := loadFileWriter(t, filepath.Join(t.TempDir(), "events"), "")
	wantStatus(t, w, false, report.NotRunning)
	startSink(t, w)
	wantStatus(t, w, true)
	c := countFrom(w.meter())
	publish(t, w, newEvent("1"))
	c.want(t, report.Counts{Published: 1})
	stopWriter(t, w)
	wantStatus(t, w, false, report.NotRunning)

	l := loadSink(t, "log", `{"level":"warn"}`).(*Log)
	logTo(l, 1)
	c = countFrom(l.meter())
	publish(t, l, newEvent("1"))
	wantStatus(t, l, true)
	logTo(l, 2)
	publish(t, l, newEvent("2"))
	wantStatus(t, l, false, "Caddy's log does not take lines of the level warn")
	c.want(t, report.Counts{Published: 1})
}

// TestStatusIsJSON has the names that the admin API promises.
func TestStatusIsJSON(t *testing.T) {
	up := true
	text, err := json.Marshal(report.Status{
		Server: "a", Subject: "b", Ready: true, Trouble: report.Trouble{Problems: []string{"c"}}, Connected: &up, NATS: "d",
		Stream: &report.StreamStatus{Names: []string{"e"}, Batched: true, Findings: []string{"f"}, Failure: "g"},
		Spool: &report.SpoolStatus{
			Dir: "h", Open: true, Events: 1, Bytes: 2, Capacity: 3, OldestSeconds: 4, Sync: "i",
			Full: true, Failing: "j", Waiting: "k",
		},
		Counts: &report.Counts{Published: 5, Acked: 6, Retried: 7, SetAside: 8, Dropped: map[string]uint64{"other": 9}},
	})
	const want = `{"server":"a","subject":"b","ready":true,"problems":["c"],"connected":true,"nats":"d",` +
		`"stream":{"names":["e"],"batched":true,"findings":["f"],"failure":"g"},` +
		`"spool":{"dir":"h","open":true,"events":1,"bytes":2,"capacity":3,"oldest_seconds":4,"sync":"i","full":true,"failing":"j","waiting":"k"},` +
		`"counts":{"published":5,"acked":6,"retried":7,"set_aside":8,"dropped":{"other":9}}}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
	if text, err := json.Marshal(report.Status{}); err != nil || string(text) != `{"ready":false}` {
		t.Errorf("got %s, %v", text, err)
	}
}
