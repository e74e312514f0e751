// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// setAsideEvents returns what is in the file.
func (r *rig) setAsideEvents(t testing.TB) []asideLine {
	t.Helper()
	content, err := os.ReadFile(r.asideFile())
	if err != nil {
		t.Fatal(err)
	}
	var lines []asideLine
	for scanner := bufio.NewScanner(bytes.NewReader(content)); scanner.Scan(); {
		var line asideLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, scanner.Bytes())
		}
		lines = append(lines, line)
	}
	return lines
}

// watchRejected returns the messages that show undeliverable events.
func watchRejected(t testing.TB, server string) <-chan *nats.Msg {
	t.Helper()
	nc, err := nats.Connect(server, nats.Timeout(natstest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	messages := make(chan *nats.Msg, 100)
	if _, err := nc.ChanSubscribe(rejectedSubject+".>", messages); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return messages
}

// large returns an event with a body of so many bytes.
func large(i, size int) spool.Event {
	e := event(i)
	e.Body = []byte(`{"type":"track","html":"<&>","pad":"`)
	e.Body = append(e.Body, strings.Repeat("y", size-len(e.Body)-2)...)
	e.Body = append(e.Body, `"}`...)
	return e
}

// Events that are too large are set aside, wherever they stand, and the others are
// stored in their order.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 16 << 10
	for name, configure := range map[string]func(*server.Options, *jetstream.StreamConfig){
		"max_msg_size": func(_ *server.Options, c *jetstream.StreamConfig) { c.MaxMsgSize = limit },
		"max_payload":  func(o *server.Options, _ *jetstream.StreamConfig) { o.MaxPayload = limit },
	} {
		for place, which := range map[string][]int{
			"first": {1}, "second": {2}, "in the middle": {5}, "last": {9}, "several": {1, 4, 5, 9}, "all": {1, 2, 3, 4, 5, 6, 7, 8, 9},
		} {
			t.Run(name+"/"+place, func(t *testing.T) {
				t.Parallel()
				modes(t, func(t *testing.T, batched bool) {
					config := new(jetstream.StreamConfig)
					s := natstest.Start(t, func(o *server.Options) { configure(o, config) })
					rejected := watchRejected(t, s.ClientURL())
					r := newRig(t, s.ClientURL())
					createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.MaxMsgSize = config.MaxMsgSize })
					r.route.batched.Store(batched)
					var stored, aside []spool.Event
					for i := 1; i <= 9; i++ {
						e := event(i)
						if slices.Contains(which, i) {
							e = large(i, limit+1)
							aside = append(aside, e)
						} else {
							stored = append(stored, e)
						}
						r.append(e)
					}
					r.start(t)
					r.awaitAcked(t, 9)
					wantStored(t, r.route.js, stored)
					wantAside(t, r, aside)
					for range aside {
						wantRejection(t, <-rejected)
					}
					if r.lines("set aside events that no stream can store") != 1 {
						t.Error("the log does not say once that events were set aside")
					}
					r.refuseSecret(t)
				})
			})
		}
	}
}

func wantAside(t testing.TB, r *rig, want []spool.Event) {
	t.Helper()
	lines := r.setAsideEvents(t)
	if len(lines) != len(want) {
		t.Fatalf("%d events were set aside, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		if line.Subject != want[i].Subject || line.MessageID != want[i].MessageID ||
			!bytes.Equal(line.Event, want[i].Body) || line.Cause == "" || line.Time.IsZero() {
			t.Errorf("line %d is %+v", i+1, line)
		}
	}
}

func wantRejection(t testing.TB, msg *nats.Msg) {
	t.Helper()
	reason := pixel.Undeliverable.String()
	if msg.Subject != rejectedSubject+"."+reason || msg.Header.Get("Segment-Reason") != reason ||
		msg.Header.Get("Segment-Detail") == "" || msg.Header.Get("Segment-Source") != "web" ||
		msg.Header.Get("Segment-Type") != "track" || len(msg.Data) == 0 {
		t.Errorf("the rejected message is %s %v with %d bytes", msg.Subject, msg.Header, len(msg.Data))
	}
}

// An event cannot be set aside while its file cannot be written. It waits.
func TestAsideWaits(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 })
	r.forwarder.health.quiet = 0
	// A directory stands in its way.
	if err := os.Mkdir(r.asideFile(), 0o700); err != nil {
		t.Fatal(err)
	}
	r.append(event(1), large(2, 2000), event(3))
	r.start(t)
	r.awaitTrouble(t)
	r.awaitAcked(t, 1)
	natstest.Eventually(t, "the third is stored", func() bool { return len(storedIn(t, r.route.js, "EVENTS")) == 2 })
	if n := r.acknowledged(); n != 1 {
		t.Errorf("%d events are acknowledged", n)
	}
	if err := os.Remove(r.asideFile()); err != nil {
		t.Fatal(err)
	}
	r.awaitAcked(t, 3)
	wantStored(t, r.route.js, []spool.Event{event(1), event(3)})
	wantAside(t, r, []spool.Event{large(2, 2000)})
	r.refuseSecret(t)
}

// An event whose subject no stream takes is set aside, and holds up the others no
// longer than that takes.
func TestUncovered(t *testing.T) {
	t.Parallel()
	for name, listens := range map[string]bool{"nobody": false, "a listener": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, batched bool) {
				s := natstest.Start(t, nil)
				if listens {
					tap(t, s.ClientURL())
				}
				rejected := watchRejected(t, s.ClientURL())
				r := newRig(t, s.ClientURL())
				createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.Subjects = []string{"events.web.>"} })
				r.route.batched.Store(batched)
				stray := event(5)
				stray.Subject = "events.shop.track"
				r.append(events(4)...)
				r.append(stray)
				r.append(event(6), event(7))
				r.start(t)
				r.awaitAcked(t, 7)
				wantStored(t, r.route.js, append(events(4), event(6), event(7)))
				wantAside(t, r, []spool.Event{stray})
				wantRejection(t, <-rejected)
			})
		})
	}
}

// Later events of a subject without a stream do not wait again, nor keep the others
// from being published in batches; and they are stored once there is a stream.
func TestUncoveredAgain(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.Subjects = []string{"events.web.>"} })
	r.route.batched.Store(true)
	r.append(event(1), shopEvent(2))
	r.start(t)
	r.awaitAcked(t, 2)
	r.stop()
	r.forwarder.strayWait = time.Hour
	r.forwarder.batchesAgain = time.Time{} // the first window had one that failed
	wires := tap(t, s.ClientURL())
	all, web, stray := mixed(100, func(i int) bool { return i%10 == 2 })
	r.append(all[2:]...)
	r.start(t)
	r.awaitAcked(t, 100)
	wantStored(t, r.route.js, web)
	wantAside(t, r, stray)
	if n := wires.batched.Load(); n < int64(len(web)-1) {
		t.Errorf("%d messages were published in batches, want %d or more", n, len(web)-1)
	}
	createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.Name, c.Subjects = "SHOP", []string{"events.shop.>"} })
	r.append(shopEvent(101), shopEvent(102))
	r.awaitAcked(t, 102)
	if n := len(storedIn(t, r.route.js, "SHOP")); n != 2 {
		t.Errorf("%d events are stored in the new stream", n)
	}
	wantAside(t, r, stray)
}

// A stream may be deleted to be created anew: its events wait, for a while.
func TestUncoveredWaits(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	r := newRig(t, s.ClientURL())
	r.forwarder.strayWait = time.Hour
	createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.Subjects = []string{"events.web.>"} })
	stray := event(2)
	stray.Subject = "events.shop.track"
	r.append(event(1), stray, event(3))
	r.start(t)
	// The first lookups would be enough to set it aside.
	natstest.Eventually(t, "the stream is looked for", func() bool { return r.route.looks.Load() >= 6 })
	createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.Name, c.Subjects = "SHOP", []string{"events.shop.>"} })
	r.awaitAcked(t, 3)
	if n := len(storedIn(t, r.route.js, "SHOP")); n != 1 {
		t.Errorf("%d events are stored in the new stream", n)
	}
	if _, err := os.Stat(filepath.Join(r.directory, AsideFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an event was set aside: %v", err)
	}
}

// A subject that the server maps to that of a stream has no stream by its name. Its
// events are stored even so, and wait when the stream does not take them.
func TestMappedSubject(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	account := s.GlobalAccount()
	if err := account.AddMapping("events.>", "mapped.>"); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, s.ClientURL())
	stream := createStream(t, r.route.js, func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"mapped.>"}, true })
	r.append(events(3)...)
	r.start(t)
	natstest.Eventually(t, "the stream is looked for", func() bool { return r.route.looks.Load() >= 1 })
	updateStream(t, r.route.js, stream, func(c *jetstream.StreamConfig) { c.NoAck = false })
	r.awaitAcked(t, 3)
	if n := len(storedIn(t, r.route.js, "EVENTS")); n != 3 {
		t.Errorf("%d events are stored", n)
	}
	r.wantNothingAside(t)
}

func TestAsideFile(t *testing.T) {
	t.Parallel()
	a := newAside(t.TempDir())
	// What a crash has left of a line does not spoil the next one.
	if err := os.WriteFile(a.name, []byte(`{"event":{"a`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"a":"<>&\u2028"}`, "no\xffJSON", ""} {
		if kept, err := a.write(undeliverable(body), ErrUncovered); err != nil || !kept {
			t.Fatal(kept, err)
		}
	}
	content, err := os.ReadFile(a.name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	for i, want := range []string{`{"event":{"a`, `"event":{"a":"<>&\u2028"}}`, `"event":"no\ufffdJSON"}`, `"event":""}`} {
		if !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d is %s, want %s at its end", i+1, lines[i], want)
		}
	}

	// A file that is full takes no more.
	if err := os.Truncate(a.name, maxAside); err != nil {
		t.Fatal(err)
	}
	if kept, err := a.write(undeliverable("{}"), ErrUncovered); err != nil || kept {
		t.Errorf("a full file has taken an event: %v (%v)", kept, err)
	}
	if info, err := os.Stat(a.name); err != nil || info.Size() != maxAside {
		t.Errorf("the file has %d bytes (%v)", info.Size(), err)
	}
}

func undeliverable(body string) *spool.Entry {
	return &spool.Entry{Event: spool.Event{Subject: "s", Body: []byte(body)}}
}

// What is set aside is logged once a minute for each cause, with the number.
func TestAsideLog(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	logger := zap.New(core)
	a := newAside(t.TempDir())
	write := func(n int, cause error) {
		t.Helper()
		for range n {
			if _, err := a.write(undeliverable("{}"), cause); err != nil {
				t.Fatal(err)
			}
		}
		a.report(logger, false)
	}
	want := func(lines int, events uint64) {
		t.Helper()
		if n := logs.Len(); n != lines {
			t.Fatalf("%d lines are logged, want %d: %v", n, lines, logs.All())
		}
		if last := logs.All()[lines-1].ContextMap(); last["events"] != events || last["first_subject"] != "s" {
			t.Errorf("the last line says %v, want %d events", last, events)
		}
	}
	write(5, ErrUncovered)
	want(1, 5)
	write(2, ErrDenied)
	want(2, 2)
	write(3, ErrUncovered)
	write(4, ErrUncovered)
	want(2, 2) // too soon
	for _, count := range a.counts {
		count.last = count.last.Add(-asideAgain)
	}
	a.report(logger, false)
	want(3, 7)
	write(1, ErrDenied)
	a.report(logger, true)
	want(4, 1)

	for i := range 2 * maxCauses {
		write(1, errors.New(strings.Repeat("x", i+1)))
	}
	if n := len(a.counts); n != maxCauses {
		t.Errorf("%d kinds are counted, want %d", n, maxCauses)
	}
}

// An event is set aside also on a disk that has no room but for what is kept for that.
func TestAsideOnFullDisk(t *testing.T) {
	t.Parallel()
	a := newAside(t.TempDir())
	full := false
	a.append = func(name string, line []byte) (bool, error) {
		if _, err := os.Stat(a.reserve()); full && err == nil {
			return false, syscall.ENOSPC
		}
		return appendLine(name, line)
	}
	a.keepReserve()
	full = true
	if kept, err := a.write(undeliverable("{}"), ErrUncovered); err != nil || !kept {
		t.Fatalf("the event is not kept: %v", err)
	}
	if _, err := os.Stat(a.reserve()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the reserve is still there (%v)", err)
	}
	a.keepReserve()
	if info, err := os.Stat(a.reserve()); err != nil || info.Size() != reserveSize {
		t.Errorf("there is no reserve again (%v)", err)
	}
}

func TestRejectionIsCut(t *testing.T) {
	t.Parallel()
	entry := &spool.Entry{Event: large(1, 100_000)}
	for _, limit := range []int64{0, 1 << 10, 8 << 10, 100_000, 1 << 20} {
		msg := rejection("p", entry, ErrUncovered, limit)
		if limit >= 1<<20 != (len(msg.Data) == len(entry.Body)) {
			t.Errorf("with a max_payload of %d the message has %d bytes", limit, len(msg.Data))
		}
	}
}
