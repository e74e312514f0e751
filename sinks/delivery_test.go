// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/messageid"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// spooled returns how to configure a sink whose spool is in a directory.
func spooled(dir string, configure ...func(*JetStream)) func(*JetStream) {
	return func(s *JetStream) {
		s.Spool = &delivery.Spool{Directory: dir}
		for _, c := range configure {
			c(s)
		}
	}
}

// startSpooled starts a sink until the end of the test.
func startSpooled(t *testing.T, url string, configure func(*JetStream), configuration any) *JetStream {
	t.Helper()
	if liveDeliveries() == 0 {
		// This runs after the last sink of the test has been stopped.
		t.Cleanup(func() { natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 }) })
	}
	s, _ := newJetStream(t, url, configure)
	t.Cleanup(s.Stop)
	if err := s.Start(Site{MaxEventSize: pixel.DefaultMaxEventSize, Configuration: configuration}); err != nil {
		t.Fatalf("starting: %v", err)
	}
	return s
}

// liveDeliveries is how many spools are open.
func liveDeliveries() int {
	return len(delivery.Live())
}

// wantStored waits until the stream has n messages, and checks that each has an id
// of its own.
func wantStored(t *testing.T, client natstest.TestClient, n int) {
	t.Helper()
	natstest.Eventually(t, "the condition holds", func() bool {
		stream, err := client.Js.Stream(t.Context(), "EVENTS")
		return err == nil && stream.CachedInfo().State.Msgs >= uint64(n)
	})
	seen := make(map[string]bool)
	for _, msg := range client.Stored(t) {
		id := msg.Header.Get(nats.MsgIdHdr)
		if seen[id] {
			t.Errorf("%s is stored twice", id)
		}
		seen[id] = true
	}
	if len(seen) != n {
		t.Errorf("%d events are stored, want %d", len(seen), n)
	}
}

// publishMany publishes n events with ids of their own.
func publishMany(t *testing.T, s *JetStream, name string, n int) {
	t.Helper()
	for i := range n {
		publish(t, s, newEvent(fmt.Sprintf("%s-%d", name, i)))
	}
}

func TestSpoolDelivers(t *testing.T) {
	natstest.CheckLeaks(t)
	for _, batched := range []bool{true, false} {
		t.Run(fmt.Sprintf("batched %v", batched), func(t *testing.T) {
			server := natstest.StartPlain(t, natstest.WithJetStream)
			client := natstest.NewTestClient(t, server)
			config := natstest.EventStream()
			config.AllowBatchPublish = batched
			client.Create(t, config)
			s := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
			natstest.Eventually(t, "the condition holds", func() bool { return s.lease.value.delivery.Batched() == batched && s.lease.value.conn.Connected() })
			publishMany(t, s, "a", 500)
			wantStored(t, client, 500)
		})
	}
}

// TestSpoolAwaitsTheNamedStream names a stream that another one stands in for: its ack is
// none, and it gets nothing.
func TestSpoolAwaitsTheNamedStream(t *testing.T) {
	natstest.CheckLeaks(t)
	for _, spool := range []string{"batched", "singly", "off"} {
		t.Run(spool, func(t *testing.T) {
			server := natstest.StartPlain(t, natstest.WithJetStream)
			client := natstest.NewTestClient(t, server)
			config := natstest.EventStream()
			config.Name, config.AllowBatchPublish = "OTHER", spool == "batched"
			client.Create(t, config)
			configure := spooled(t.TempDir())
			if spool == "off" {
				configure = ackTimeout(2 * time.Second)
			}
			s := startSpooled(t, server.ClientURL(), func(s *JetStream) {
				configure(s)
				s.Stream = &stream.Stream{Name: "EVENTS"}
			}, nil)
			want := 100
			if spool == "off" {
				want = 1
				if err := s.Publish(t.Context(), newEvent("lost")); err == nil || !strings.Contains(err.Error(), "stream <name>") {
					t.Errorf("publishing: %v", err)
				}
			} else {
				publishMany(t, s, "a", want)
			}
			natstest.Eventually(t, "the status names the stream", func() bool {
				status := s.Status()
				return strings.Contains(strings.Join(status.Problems, " "), "belongs to OTHER: correct the name") && (spool != "off" || !status.Ready)
			})
			other, err := client.Js.Stream(t.Context(), "OTHER")
			if err != nil {
				t.Fatal(err)
			}
			if n := other.CachedInfo().State.Msgs; n != 0 {
				t.Errorf("the other stream has %d events", n)
			}
			config.Subjects = []string{"another"}
			if _, err := client.Js.UpdateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			config.Name, config.Subjects = "EVENTS", []string{"segment.events.>"}
			client.Create(t, config)
			if spool == "off" {
				ackTimeout(natstest.Patience)(s)
				publish(t, s, newEvent("1"))
			}
			wantStored(t, client, want)
		})
	}
}

// TestSpoolOutlivesTheSink publishes while NATS is away, and has the next sink on the
// same directory deliver.
func TestSpoolOutlivesTheSink(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	dir := t.TempDir()
	first := startSpooled(t, nats.URL(), spooled(dir), 1)
	publishMany(t, first, "first", 100)
	first.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })

	second := startSpooled(t, nats.URL(), spooled(dir), 2)
	publishMany(t, second, "second", 100)
	nats.Start()
	client := natstest.NewTestClient(t, nats.Server)
	client.Create(t, natstest.EventStream())
	wantStored(t, client, 200)
}

// TestSpoolIsHandedOver does what a reload does: the new sink starts before the old
// one stops. Its login differs, so that it needs another connection.
func TestSpoolIsHandedOver(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	dir := t.TempDir()
	named := func(name string) func(*JetStream) { return spooled(dir, func(s *JetStream) { s.ClientName = name }) }
	before := startSpooled(t, server.ClientURL(), named("0"), 0)
	running := before.lease.value.delivery
	publishMany(t, before, "0", 20)
	for i := 1; i <= 5; i++ {
		name := fmt.Sprint(i)
		after := startSpooled(t, server.ClientURL(), named(name), i)
		if after.lease.value.delivery != running || liveDeliveries() != 1 {
			t.Fatal("a second delivery runs")
		}
		publishMany(t, before, name+" old", 10)
		before.Stop()
		publishMany(t, before, name+" late", 3)
		publishMany(t, after, name, 20)
		before = after
	}
	wantStored(t, client, 20+5*33)
	running.Mu.Lock()
	defer running.Mu.Unlock()
	if len(running.Routes) != 1 {
		t.Errorf("%d routes are left, want 1", len(running.Routes))
	}
}

// TestSpoolOfFailedReload has a new configuration start and stop again while the old
// one goes on.
func TestSpoolOfFailedReload(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	dir := t.TempDir()
	s := startSpooled(t, server.ClientURL(), spooled(dir), 1)
	other := natstest.StartPlain(t, natstest.WithJetStream)
	otherClient := natstest.NewTestClient(t, other)
	otherClient.Create(t, natstest.EventStream())
	failed := startSpooled(t, other.ClientURL(), spooled(dir, func(s *JetStream) {
		s.Spool.MaxSize, s.Spool.Sync = delivery.MinSize, "off"
	}), 2)
	publishMany(t, s, "during", 10)
	publishMany(t, failed, "of the new", 10)
	wantStored(t, client, 20)
	failed.Stop()
	publishMany(t, s, "after", 10)
	wantStored(t, client, 30)
	if n := len(otherClient.Stored(t)); n != 0 {
		t.Errorf("%d events went the way of a configuration that was never in force", n)
	}
	d := s.lease.value.delivery
	if capacity := d.Running.Load().Stats().Capacity; capacity != delivery.DefaultSize || d.Chosen.Sync != spool.SyncAlways {
		t.Errorf("the spool has the options of the failed configuration: %d, %v", capacity, d.Chosen.Sync)
	}
}

// TestSpoolReopens starts a sink while the spool of the last one is being closed,
// which takes long as its events cannot be stored.
func TestSpoolReopens(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	dir := t.TempDir()
	slow := spooled(dir, func(s *JetStream) { s.DrainTimeout = caddy.Duration(time.Hour) })
	first := startSpooled(t, server.ClientURL(), slow, 1)
	natstest.Eventually(t, "the condition holds", first.lease.value.conn.Connected)
	publishMany(t, first, "first", 10)
	first.Stop()
	second := startSpooled(t, server.ClientURL(), spooled(dir), 2)
	client.Create(t, natstest.EventStream())
	publishMany(t, second, "second", 10)
	wantStored(t, client, 20)
}

// TestSpoolDrains stops a sink right after its events.
func TestSpoolDrains(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	s := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), 1)
	natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
	publishMany(t, s, "a", 200)
	s.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })
	wantStored(t, client, 200)
}

func TestSpoolConflicts(t *testing.T) {
	natstest.CheckLeaks(t)
	dir := t.TempDir()
	url := fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t))
	startSpooled(t, url, spooled(dir), 1)
	startSpooled(t, url, spooled(dir), 1) // a second site with the same sink
	for difference, configure := range map[string]func(*JetStream){
		"how they connect to NATS":           func(s *JetStream) { s.User, s.Password = "someone", "else" },
		"subject":                            func(s *JetStream) { s.Subject = "other.{type}" },
		"stream":                             func(s *JetStream) { s.Stream = &stream.Stream{Name: "OTHER"} },
		"sync of the spool (always and off)": func(s *JetStream) { s.Spool.Sync = "off" },
		"max_size of the spool (10737418240 and 1048576 bytes)": func(s *JetStream) { s.Spool.MaxSize = 1 << 20 },
	} {
		other, _ := newJetStream(t, url, spooled(dir, configure))
		err := other.Start(Site{Configuration: 1})
		other.Stop()
		if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "differ in "+difference) {
			t.Errorf("got %v", err)
		}
	}

	held := t.TempDir()
	holder, err := spool.Open(spool.Options{Dir: held, MaxSize: delivery.MinSize})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	third, _ := newJetStream(t, url, spooled(held))
	err = third.Start(Site{Configuration: 1})
	third.Stop()
	if !errors.Is(err, spool.ErrHeld) || !strings.Contains(err.Error(), held) {
		t.Errorf("got %v", err)
	}
}

// TestSpoolFull fills a spool while NATS is away: what does not fit is refused with
// both reasons, and published directly once NATS is there.
func TestSpoolFull(t *testing.T) {
	natstest.CheckLeaks(t)
	nats := natstest.NewRestartable(t)
	s := startSpooled(t, nats.URL(), spooled(t.TempDir(), func(s *JetStream) { s.Spool.MaxSize = delivery.MinSize }), nil)
	taken := 0
	var err error
	for err == nil {
		event := newEvent(fmt.Sprintf("%d", taken))
		event.Body = []byte(messageid.New() + strings.Repeat(messageid.New(), 200))
		if err = s.Publish(t.Context(), event); err == nil {
			taken++
		}
	}
	if !errors.Is(err, spool.ErrFull) || !strings.Contains(err.Error(), "NATS is not connected") || taken == 0 {
		t.Errorf("got %v after %d events", err, taken)
	}
	nats.Start()
	natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
	client := natstest.NewTestClient(t, nats.Server)
	client.Create(t, natstest.EventStream())
	publish(t, s, newEvent("direct or not"))
	wantStored(t, client, taken+1)
}

func TestSpoolDirectory(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	directory := func(configure func(*JetStream)) string {
		s, _ := newJetStream(t, "nats://a", configure)
		options, err := s.spoolOptions()
		if err != nil {
			t.Fatal(err)
		}
		return options.Dir
	}
	name := func(c natsconn.Connection, domain string) string {
		return directory(func(s *JetStream) { s.Spool, s.Connection, s.Domain = nil, c, domain })
	}
	plain := name(natsconn.Connection{Servers: []string{"nats://a", "nats://b"}}, "")
	if !strings.HasPrefix(plain, filepath.Join(home, "caddy", "segment_pixel", "jetstream-")) {
		t.Errorf("the directory is %s", plain)
	}
	for what, same := range map[string]natsconn.Connection{
		"another order":  {Servers: []string{"nats://b", "nats://a"}},
		"a token":        {Servers: []string{"nats://a", "nats://b"}, Token: "x"},
		"another client": {Servers: []string{"nats://a", "nats://b"}, ClientName: "x"},
	} {
		if got := name(same, ""); got != plain {
			t.Errorf("%s leads to another directory", what)
		}
	}
	if name(natsconn.Connection{Servers: []string{"nats://u:p@a"}}, "") != name(natsconn.Connection{Servers: []string{"nats://u:q@a"}}, "") {
		t.Error("a password in a URL leads to another directory")
	}
	if name(natsconn.Connection{User: "u", Password: "p"}, "") != name(natsconn.Connection{User: "u", Password: "q"}, "") {
		t.Error("a password leads to another directory")
	}
	different := map[string]bool{plain: true}
	for _, c := range []natsconn.Connection{
		{Servers: []string{"nats://a"}},
		{Servers: []string{"nats://u:p@a"}},
		{Servers: []string{"nats://a", "nats://b"}, User: "u", Password: "p"},
		{Servers: []string{"nats://a", "nats://b"}, Creds: "u"},
		{Servers: []string{"nats://a", "nats://b"}, NKey: "u"},
		{Context: "u"},
	} {
		different[name(c, "")] = true
		different[name(c, "hub")] = true
	}
	for _, configure := range []func(*JetStream){
		func(s *JetStream) { s.Subject = "other.{type}" },
		func(s *JetStream) { s.Stream = &stream.Stream{Name: "OTHER"} },
	} {
		different[directory(func(s *JetStream) { s.Spool = nil; configure(s) })] = true
	}
	if len(different) != 15 {
		t.Errorf("%d different directories, want 15", len(different))
	}

	target := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPOOL", filepath.Join(link, "missing", "..", "spool"))
	got := directory(func(s *JetStream) { s.Spool = &delivery.Spool{Directory: "{env.SPOOL}"} })
	if want, err := filepath.EvalSymlinks(target); err != nil || got != filepath.Join(want, "spool") {
		t.Errorf("got %s, want it in %s, %v", got, want, err)
	}
	s, _ := newJetStream(t, "nats://a", func(s *JetStream) { s.Spool = &delivery.Spool{Directory: "{env.NOBODY_SETS_THIS}"} })
	if _, err := s.spoolOptions(); err == nil {
		t.Error("an unknown placeholder is taken")
	}
}

// TestSpoolIsPrivate looks at who may read events.
func TestSpoolIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	startSpooled(t, fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t)), spooled(dir), nil)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has %v, %v", info.Mode(), err)
	}
}

// TestForgottenSpool leaves events in a spool of the default place and looks at what
// the operator is told, once, about those that no sink uses.
func TestForgottenSpool(t *testing.T) {
	natstest.CheckLeaks(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	core, logs := observer.New(zap.WarnLevel)
	original := delivery.Logger
	delivery.Logger = func() *zap.Logger { return zap.New(core) }
	t.Cleanup(func() { delivery.Logger = original })

	inDefaultPlace := func(s *JetStream) { s.Spool = nil }
	url := fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t))
	s := startSpooled(t, url, inDefaultPlace, nil)
	publishMany(t, s, "a", 7)
	dir := s.lease.value.delivery.Directory
	report := func() int {
		delivery.ReportForgotten()
		return logs.FilterMessageSnippet("events wait in a spool that no sink uses").Len()
	}
	if n := report(); n != 0 {
		t.Errorf("%d lines while a sink uses the spool", n)
	}
	s.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return liveDeliveries() == 0 })
	report()
	if n := report(); n != 1 {
		t.Fatalf("%d lines, want 1", n)
	}
	fields := logs.FilterMessageSnippet("that no sink uses").All()[0].ContextMap()
	if fields["dir"] != dir || fields["events"] != uint64(7) {
		t.Errorf("logged %v", fields)
	}
}

// TestSpoolOnFullDisk starts a sink whose spool cannot be opened yet: that must keep
// neither Caddy from starting nor events from NATS.
func TestSpoolOnFullDisk(t *testing.T) {
	natstest.CheckLeaks(t)
	var full atomic.Bool
	full.Store(true)
	delivery.OpenSpool = func(o spool.Options) (*spool.Spool, error) {
		if full.Load() {
			return nil, fmt.Errorf("opening: %w", syscall.ENOSPC)
		}
		return spool.Open(o)
	}
	t.Cleanup(func() { delivery.OpenSpool = spool.Open })

	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	s := startSpooled(t, server.ClientURL(), spooled(t.TempDir()), nil)
	natstest.Eventually(t, "the condition holds", s.lease.value.conn.Connected)
	publishMany(t, s, "direct", 3)
	if n := len(client.Stored(t)); n != 3 {
		t.Errorf("%d events are stored, want 3", n)
	}
	natstest.Stop(server)
	natstest.Eventually(t, "the condition holds", func() bool { return !s.lease.value.conn.Connected() })
	err := s.Publish(t.Context(), newEvent("dropped"))
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, forward.ErrNotConnected) {
		t.Errorf("got %v", err)
	}
	full.Store(false)
	natstest.Eventually(t, "the condition holds", func() bool { return s.Publish(t.Context(), newEvent("kept")) == nil })
	if s.lease.value.delivery.Waiting() == 0 {
		t.Error("the spool holds nothing")
	}
}

// TestHasStream says when an event without a stream may be the only one: an event is
// set aside only if there is a stream that takes others.
func TestHasStream(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	s := startSpooled(t, server.ClientURL(), spooled(t.TempDir(), func(s *JetStream) { s.Stream = &stream.Stream{Name: "EVENTS"} }), nil)
	link := s.lease.value
	natstest.Eventually(t, "the condition holds", link.conn.Connected)
	has := func(want bool) {
		t.Helper()
		if got, err := link.route.HasStream(t.Context(), link.route.Session()); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	has(false)
	config := natstest.EventStream()
	for subject, want := range map[string]bool{"elsewhere.>": false, "segment.events.web.>": true, "segment.>": true} {
		config.Subjects = []string{subject}
		if _, err := client.Js.CreateOrUpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		has(want)
	}
}
