// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

func TestConnIsShared(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, func(o *server.Options) { o.Username, o.Password = "alice", "right" })
	right := toServer(s)
	right.User, right.Password = "alice", "right"
	first, second := connect(t, right), acquire(t, right)
	if first != second {
		t.Error("the same options have two connections")
	}
	if n := s.NumClients(); n != 1 {
		t.Errorf("%d clients, want 1", n)
	}

	for name, change := range map[string]func(*Options){
		"password": func(o *Options) { o.Password = "wrong" },
		"domain":   func(o *Options) { o.Domain = "leaf" },
		"tls":      func(o *Options) { o.TLS = &TLS{} },
		"prefix":   func(o *Options) { o.InboxPrefix = "_INBOX.other" },
	} {
		other := right
		change(&other)
		if acquire(t, other) == first {
			t.Errorf("another %s has the same connection", name)
		}
	}
}

func TestConnIsReleasedByTheLast(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	s := natstest.StartPlain(t, nil)
	first, err := Acquire(toServer(s))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(toServer(s))
	if err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the condition holds", second.Connected)
	first.Release()
	if err := second.NATS().Flush(); err != nil || s.NumClients() != 1 {
		t.Errorf("%d clients and %v after the first release, want 1", s.NumClients(), err)
	}
	second.Release()
	natstest.Receive(t, first.Done)
	natstest.Eventually(t, "the condition holds", func() bool { return s.NumClients() == 0 })
	wantEmptyPool(t)
	if got, want := natstest.Messages(logs), "connected to NATS; closed the connection to NATS"; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

func TestConnFollowsItsFiles(t *testing.T) {
	natstest.CheckLeaks(t)
	_, oldKey, oldSeed := natstest.NewKey(t, nkeys.CreateUser)
	_, newKey, newSeed := natstest.NewKey(t, nkeys.CreateUser)
	s := natstest.StartPlain(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: oldKey}, {Nkey: newKey}} })
	o := toServer(s)
	o.NKey = filepath.Join(t.TempDir(), "user.nk")
	natstest.WriteFile(t, o.NKey, oldSeed)
	before := connect(t, o)
	natstest.WriteFile(t, o.NKey, newSeed)
	if connect(t, o) == before {
		t.Error("a replaced file has the same connection")
	}
}

func TestConnIsKnownToTheServer(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, func(o *server.Options) { o.JetStream = true })
	o := toServer(s)
	o.ClientName, o.InboxPrefix = "shop", "_INBOX.shop"
	c := connect(t, o)
	if _, err := c.Jetstream().AccountInfo(context.Background()); err != nil {
		t.Fatal(err)
	}
	// An asynchronous publish subscribes and starts goroutines of its own.
	if _, err := c.Jetstream().PublishAsync("nobody.listens", nil); err != nil {
		t.Fatal(err)
	}
	listed, err := s.Connz(&server.ConnzOptions{Subscriptions: true})
	if err != nil || len(listed.Conns) != 1 {
		t.Fatalf("got %+v and %v, want one client", listed, err)
	}
	client := listed.Conns[0]
	if client.Name != "shop" {
		t.Errorf("client name %q, want shop", client.Name)
	}
	if len(client.Subs) == 0 || !strings.HasPrefix(client.Subs[0], "_INBOX.shop.") {
		t.Errorf("subscriptions %q, want one that starts with _INBOX.shop.", client.Subs)
	}
	if domain := connectDomain(t, s, "hub"); domain != "hub" {
		t.Errorf("domain %q, want hub", domain)
	}
}

func connectDomain(t *testing.T, s *server.Server, domain string) string {
	t.Helper()
	o := toServer(s)
	o.Domain = domain
	return connect(t, o).Jetstream().Options().Domain
}

func TestConnTriesAllServers(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, nil)
	down := fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t))
	connect(t, Options{Connection: Connection{Servers: []string{down + "," + s.ClientURL()}}})
}

func TestConnWaitsForTheServer(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	port := natstest.FreePort(t)
	o := Options{Connection: Connection{Servers: []string{fmt.Sprintf("nats://alice:s3cret@127.0.0.1:%d", port)}}}
	c := acquire(t, o)
	natstest.Eventually(t, "the condition holds", func() bool { return c.NATS() != nil && c.Jetstream() != nil })
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterMessage("cannot connect to NATS yet, trying on").Len() == 1 })
	if err := c.NATS().Publish("early", nil); err == nil {
		t.Error("published before there is a server")
	}

	s := natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	natstest.Eventually(t, "the condition holds", c.Connected)
	natstest.Stop(s)
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterMessage("disconnected from NATS, reconnecting").Len() == 1 })
	natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	natstest.Eventually(t, "the condition holds", c.Connected)
	if got, want := natstest.Messages(logs.FilterLevelExact(zap.InfoLevel)), "connected to NATS; reconnected to NATS"; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
	if n := logs.FilterLevelExact(zap.WarnLevel).Len(); n != 2 {
		t.Errorf("%d warnings, want 2: %s", n, natstest.Messages(logs))
	}
	natstest.RefuseSecrets(t, logs, "s3cret", "alice")
}

// TestConnKeepsTheOutbox publishes before the first connection and between two,
// with headers, which nats.go itself refuses before the first one.
func TestConnKeepsTheOutbox(t *testing.T) {
	natstest.CheckLeaks(t)
	port := natstest.FreePort(t)
	url := fmt.Sprintf("nats://127.0.0.1:%d", port)
	c := acquire(t, Options{Connection: Connection{Servers: []string{url}}})
	publish := func(text string) {
		t.Helper()
		data := []byte(text)
		if err := c.Publish(spool.Event{Subject: "pixel", MessageID: text, Body: data}, testMeter()); err != nil {
			t.Fatal(err)
		}
		clear(data) // the caller's memory is reused
	}
	publish("before 1")
	publish("before 2")

	s := natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	natstest.Eventually(t, "the condition holds", func() bool { return c.Connected() && inMsgs(t, s) == 2 })
	natstest.Stop(s)
	natstest.Eventually(t, "the condition holds", func() bool { return !c.Connected() })
	if err := c.NATS().Publish("pixel", nil); !forward.IsDown(err) {
		t.Errorf("nats.go kept a message to itself: %v", err)
	}
	publish("between")

	s = natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	natstest.Eventually(t, "the condition holds", func() bool { return inMsgs(t, s) == 1 })
	if n := c.Outbox.Size(); n != 0 {
		t.Errorf("%d messages are still kept", n)
	}
}

func TestConnOutboxIsBounded(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	url := fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t))
	c, err := Acquire(Options{Connection: Connection{Servers: []string{url}, ClientName: "bounded"}})
	if err != nil {
		t.Fatal(err)
	}
	event := spool.Event{Subject: "p", Body: make([]byte, 1<<20)}
	for range 7 {
		if err := c.Publish(event, testMeter()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Publish(event, testMeter()); !errors.Is(err, report.ErrOutboxFull) {
		t.Errorf("got %v, want a full buffer", err)
	}
	c.Release()
	natstest.Eventually(t, "the condition holds", func() bool {
		return logs.FilterMessage("closed the connection to NATS while events waited for it: they are lost").Len() == 1
	})
}

// TestConnReportsWhatNATSRefuses keeps an event that turns out to be too large when
// there is a server to say so.
func TestConnReportsWhatNATSRefuses(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	port := natstest.FreePort(t)
	c := acquire(t, Options{Connection: Connection{Servers: []string{fmt.Sprintf("nats://127.0.0.1:%d", port)}}})
	for _, size := range []int{2 << 20, 1} {
		if err := c.Publish(spool.Event{Subject: "p", Body: make([]byte, size)}, testMeter()); err != nil {
			t.Fatal(err)
		}
	}
	s := natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	natstest.Eventually(t, "the condition holds", func() bool { return inMsgs(t, s) == 1 && c.Outbox.Size() == 0 })
	lines := logs.FilterMessage("NATS does not take events that waited for it: they are lost").All()
	if len(lines) != 1 || lines[0].ContextMap()["dropped"] != int64(1) {
		t.Errorf("logged %v", lines)
	}
	if err := c.Publish(spool.Event{Subject: "p", Body: make([]byte, 2<<20)}, testMeter()); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("publishing what is too large: got %v", err)
	}
}

// TestConnPublishesInBursts sees everything arrive in order although the memory of one
// burst is used for another.
func TestConnPublishesInBursts(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, nil)
	received := natstest.NewTestClient(t, s).Receive(t, "pixel")
	c := acquire(t, Options{Connection: Connection{Servers: []string{s.ClientURL()}}})
	natstest.Eventually(t, "the condition holds", c.Connected)
	const bursts, each = 20, 50
	for burst := range bursts {
		for n := range each {
			body := fmt.Appendf(nil, "%d of %d", n, burst)
			if err := c.Publish(spool.Event{Subject: "pixel", MessageID: string(body), Body: body}, testMeter()); err != nil {
				t.Fatal(err)
			}
			clear(body) // the caller's memory is reused
		}
		for n := range each {
			msg := natstest.Receive(t, received)
			if want := fmt.Sprintf("%d of %d", n, burst); string(msg.Data) != want || msg.Header.Get(nats.MsgIdHdr) != want {
				t.Fatalf("got %q with the header %v, want %s", msg.Data, msg.Header, want)
			}
		}
	}
	if n := c.Outbox.Size(); n != 0 {
		t.Errorf("%d events still wait", n)
	}
}

func inMsgs(t *testing.T, s *server.Server) int64 {
	t.Helper()
	varz, err := s.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return varz.InMsgs
}

func TestConnOutlastsARefusedLogin(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	port := natstest.FreePort(t)
	password := "the 0ld one"
	start := func() *server.Server {
		return natstest.StartPlain(t, func(o *server.Options) {
			o.Port, o.Username, o.Password = port, "alice", password
		})
	}
	s := start()
	o := toServer(s)
	o.User, o.Password = "alice", "s3cret word"
	c := acquire(t, o)
	natstest.Eventually(t, "the condition holds", func() bool {
		varz, err := s.Varz(nil)
		return err == nil && varz.TotalConnections >= 4
	})
	lines := logs.FilterMessage("cannot connect to NATS yet, trying on").All()
	if len(lines) != 1 {
		t.Fatalf("%d warnings, want 1", len(lines))
	}
	if hint := lines[0].ContextMap()["hint"]; hint != "NATS refuses the login: check the option user, with its password" {
		t.Errorf("hint %q", hint)
	}
	natstest.RefuseSecrets(t, logs, "s3cret word")

	natstest.Stop(s)
	password = "s3cret word"
	start()
	natstest.Eventually(t, "the condition holds", c.Connected)
}

func TestConnReportsALateRefusal(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	port := natstest.FreePort(t)
	acquire(t, Options{Connection: Connection{Servers: []string{fmt.Sprintf("127.0.0.1:%d", port)}, Token: "s3cret"}})
	natstest.StartPlain(t, func(o *server.Options) { o.Port, o.Authorization = port, "another" })
	natstest.Eventually(t, "the condition holds", func() bool {
		lines := logs.FilterField(zap.String("hint", "NATS refuses the login: check the option token"))
		return lines.Len() == 1
	})
	natstest.RefuseSecrets(t, logs, "s3cret")
}

func TestConnReportsMissingPermissions(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	s := natstest.StartPlain(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "alice", Password: "s3cret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"allowed"}},
		}}}
	})
	o := toServer(s)
	o.User, o.Password = "alice", "s3cret"
	c := connect(t, o)
	for range 3 {
		if err := errors.Join(c.NATS().Publish("authentication", nil), c.NATS().Flush()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.NATS().Publish("other", nil), c.NATS().Flush()); err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the condition holds", func() bool { return logs.FilterMessage("NATS reports an error").Len() == 2 })
	for i, subject := range []string{"authentication", "other"} {
		fields := logs.FilterMessage("NATS reports an error").All()[i].ContextMap()
		if text, _ := fields["error"].(string); !strings.Contains(text, subject) || fields["hint"] == nil {
			t.Errorf("line %d is %v, want one about %s with a hint", i, fields, subject)
		}
	}
}

func TestConnOnConnect(t *testing.T) {
	natstest.CheckLeaks(t)
	port := natstest.FreePort(t)
	o := Options{Connection: Connection{Servers: []string{fmt.Sprintf("127.0.0.1:%d", port)}}}
	c := acquire(t, o)
	early := make(chan *nats.Conn, 10)
	defer c.OnConnect(func(nc *nats.Conn) { early <- nc })()

	s := natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	if nc := natstest.Receive(t, early); nc != c.NATS() {
		t.Error("called with another connection")
	}
	late, removed := make(chan *nats.Conn, 10), make(chan *nats.Conn, 10)
	defer c.OnConnect(func(nc *nats.Conn) { late <- nc })()
	natstest.Receive(t, late)
	remove := c.OnConnect(func(nc *nats.Conn) { removed <- nc })
	natstest.Receive(t, removed)
	remove()

	natstest.Stop(s)
	natstest.StartPlain(t, func(o *server.Options) { o.Port = port })
	natstest.Receive(t, early)
	natstest.Receive(t, late)
	if len(removed) > 0 {
		t.Error("called after it was removed")
	}
}

func TestConnOpensAnotherWhenNATSEndsIt(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	s := natstest.StartPlain(t, nil)
	c := connect(t, toServer(s))
	var calls atomic.Int32
	defer c.OnConnect(func(*nats.Conn) { calls.Add(1) })()
	// Nobody is called for a connection that is down again by then.
	natstest.Eventually(t, "the condition holds", func() bool { return calls.Load() == 1 })
	before := c.NATS()
	// nats.go gives up for good after most errors of the protocol.
	if err := before.Publish(strings.Repeat("a", 2*server.MAX_CONTROL_LINE_SIZE), nil); err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the condition holds", func() bool { return c.NATS() != before && c.Connected() })
	natstest.Eventually(t, "the condition holds", func() bool { return calls.Load() == 2 })
	if n := logs.FilterMessage("connection to NATS has ended, opening another").Len(); n != 1 {
		t.Errorf("%d lines about the end, want 1", n)
	}
	if err := c.NATS().Flush(); err != nil {
		t.Error(err)
	}
}

func TestConnEndsWhileDialling(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// Nobody accepts: the handshake of TCP succeeds and NATS stays silent.
	o := Options{Connection: Connection{Servers: []string{listener.Addr().String()}}}
	began := time.Now()
	c, err := Acquire(o)
	if err != nil {
		t.Fatal(err)
	}
	if c.NATS() != nil || c.Jetstream() != nil || c.Connected() {
		t.Error("there is a connection to a silent server")
	}
	c.Release()
	natstest.Receive(t, c.Done)
	if took := time.Since(began); took >= DialTimeout {
		t.Errorf("ending took %s", took)
	}
	if n := logs.FilterLevelExact(zap.WarnLevel).Len(); n != 0 {
		t.Errorf("logged %s", natstest.Messages(logs))
	}
}

func TestConnEndIsBounded(t *testing.T) {
	natstest.CheckLeaks(t)
	p := natstest.ProxyOf(t, natstest.StartPlain(t, nil))
	// Not from the pool, which nobody can tell that the process ends.
	c, err := newConn(Options{Connection: Connection{Servers: []string{p.Address()}}})
	if err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the condition holds", c.Connected)
	p.Freeze()
	began := time.Now()
	c.close(true)
	if took := time.Since(began); took >= closeTimeout {
		t.Errorf("closing took %s", took)
	}
	natstest.Receive(t, c.Done)
}

func TestConnSendsBeforeItEnds(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, nil)
	c, err := Acquire(toServer(s))
	if err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the condition holds", c.Connected)
	const n = 1000
	for range n {
		if err := c.NATS().Publish("pixel", []byte("event")); err != nil {
			t.Fatal(err)
		}
	}
	c.Release()
	natstest.Receive(t, c.Done)
	// The server counts a batch of messages after it has answered for it.
	natstest.Eventually(t, "the condition holds", func() bool { return inMsgs(t, s) == n })
}
