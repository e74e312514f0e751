// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestPrintsEventsInOrder(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, nil).ClientURL()
	js := natstest.Connect(t, url).Js
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "{\n  \"event\": \"Opened\",\n  \"text\": \"two\\nlines\"\n}")
	publish(t, js, "segment.rejected.bad_json", "not asked for")
	publish(t, js, "segment.events.app.page", `{"name":"Home"}`)

	c := start(t, url, nil)
	publish(t, js, "segment.events.web.identify", "not\tJSON")
	c.awaitLines(3)
	c.stop()

	want := []string{
		"segment.events.web.track\t{\"event\":\"Opened\",\"text\":\"two\\nlines\"}\n",
		"segment.events.app.page\t{\"name\":\"Home\"}\n",
		"segment.events.web.identify\t\"not\\tJSON\"\n",
	}
	if got := c.out.get(); !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q", got, want)
	}
	if notes := c.notes.get(); len(notes) > 0 {
		t.Errorf("unexpected notes: %q", notes)
	}
}

func TestResumesWhereItStopped(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, nil).ClientURL()
	js := natstest.Connect(t, url).Js
	createStream(t, js)
	// More than a pull request asks for, so that the stops fall into the
	// middle of one.
	const total = 2000
	var want []string
	for i := range total {
		publish(t, js, "segment.events.web.track", fmt.Sprint(i))
		want = append(want, fmt.Sprintf("segment.events.web.track\t%d\n", i))
	}

	var got []string
	for len(got) < total {
		c := start(t, url, nil)
		c.awaitLines(min(300, total-len(got)))
		c.stop()
		got = append(got, c.out.get()...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("printed %d events over several runs, not the %d published, each once and in order", len(got), total)
	}
}

func TestFiltersBySubject(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, nil).ClientURL()
	js := natstest.Connect(t, url).Js
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "1")
	publish(t, js, "segment.events.app.track", "2")

	c := start(t, url, func(cfg *config) { cfg.subject = "segment.events.app.>" })
	c.awaitLines(1)
	c.stop()
	if got, want := c.out.get(), []string{"segment.events.app.track\t2\n"}; !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestWaitsForStream(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, nil).ClientURL()
	js := natstest.Connect(t, url).Js

	c := start(t, url, nil)
	natstest.Eventually(t, "the note", func() bool { return len(c.notes.get()) > 0 })
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "1")
	c.awaitLines(1)

	// A stream that is deleted and made again is a new one.
	if err := js.DeleteStream(t.Context(), "SEGMENT"); err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the second note", func() bool {
		return strings.Count(strings.Join(c.notes.get(), ""), "waiting for stream SEGMENT\n") == 2
	})
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "2")
	c.awaitLines(2)
	c.stop()

	if notes := c.notes.get(); len(notes) != 3 || notes[0] != "waiting for stream SEGMENT\n" {
		t.Errorf("got notes %q, want one for each wait and one for the lost consumer", notes)
	}
}

func TestWaitsForServer(t *testing.T) {
	t.Parallel()
	broker := natstest.NewRestartable(t)
	broker.Start()
	url := broker.URL()
	js := natstest.Connect(t, url).Js
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "1")
	broker.Stop()

	c := start(t, url, nil)
	natstest.Eventually(t, "the note", func() bool { return slices.Equal(c.notes.get(), []string{"waiting for NATS at " + url + "\n"}) })

	broker.Start()
	c.awaitLines(1)

	// The same again while it is running.
	broker.Stop()
	broker.Start()
	publish(t, natstest.Connect(t, url).Js, "segment.events.web.track", "2")
	c.awaitLines(2)
	c.stop()
	if got, want := c.out.get(), []string{"segment.events.web.track\t1\n", "segment.events.web.track\t2\n"}; !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestStopsWhileServerIsDown(t *testing.T) {
	t.Parallel()
	srv := natstest.Start(t, nil)
	js := natstest.Connect(t, srv.ClientURL()).Js
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "1")
	c := start(t, srv.ClientURL(), nil)
	c.awaitLines(1)
	natstest.Stop(srv)
	c.stop()
}

func TestRefusedClientIsAnError(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, func(o *server.Options) { o.Authorization = "right" }).ClientURL()
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"wrong token": {"wrong", nats.ErrAuthorization},
		"no token":    {"", nats.ErrAuthorization},
		"right token": {"right", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, url, func(cfg *config) { cfg.token = test.token })
			if test.want != nil {
				if err := c.wait(); !errors.Is(err, test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
				return
			}
			natstest.Eventually(t, "the stream to be looked for", func() bool {
				return slices.Contains(c.notes.get(), "waiting for stream SEGMENT\n")
			})
			c.stop()
		})
	}
}

func TestWaitsForJetStream(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, func(o *server.Options) { o.JetStream = false }).ClientURL()
	c := start(t, url, nil)
	natstest.Eventually(t, "the note", func() bool {
		notes := c.notes.get()
		return len(notes) == 1 && strings.HasPrefix(notes[0], "waiting for JetStream at "+url)
	})
	c.stop()
}

func TestUnusableConsumerIsAnError(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, nil).ClientURL()
	createStream(t, natstest.Connect(t, url).Js)
	c := start(t, url, func(cfg *config) { cfg.durable = "no.dots" })
	if err := c.wait(); err == nil || !strings.Contains(err.Error(), "no.dots") {
		t.Errorf("got error %v, want one that names the consumer", err)
	}
}

func TestFailingOutputIsAnError(t *testing.T) {
	t.Parallel()
	url := natstest.Start(t, nil).ClientURL()
	js := natstest.Connect(t, url).Js
	createStream(t, js)
	publish(t, js, "segment.events.web.track", "1")

	broken := errors.New("broken pipe")
	c := start(t, url, nil)
	c.awaitLines(1)
	c.out.fail(broken)
	publish(t, js, "segment.events.web.track", "2")
	if err := c.wait(); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}

// consumer is a call of run.
type consumer struct {
	t          *testing.T
	out, notes lines
	cancel     context.CancelFunc
	done       chan error
}

// start calls run in the background, with the default flags changed by change.
func start(t *testing.T, url string, change func(*config)) *consumer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c := &consumer{t: t, cancel: cancel, done: make(chan error, 1)}
	cfg := config{
		server: url, stream: "SEGMENT", durable: "example-consumer", subject: "segment.events.>",
		notes: &c.notes,
	}
	if change != nil {
		change(&cfg)
	}
	go func() { c.done <- run(ctx, &c.out, cfg) }()
	return c
}

func (c *consumer) awaitLines(n int) {
	c.t.Helper()
	natstest.Eventually(c.t, fmt.Sprintf("%d lines", n), func() bool { return len(c.out.get()) >= n })
}

// wait returns what run returns.
func (c *consumer) wait() error {
	c.t.Helper()
	select {
	case err := <-c.done:
		return err
	case <-time.After(natstest.Patience):
		c.t.Fatal("run does not return")
		return nil
	}
}

// stop ends run as a signal does.
func (c *consumer) stop() {
	c.t.Helper()
	c.cancel()
	if err := c.wait(); err != nil {
		c.t.Errorf("stopping: %v", err)
	}
}

// lines keeps what is written to it, one write a line.
type lines struct {
	mu    sync.Mutex
	lines []string
	err   error
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *lines) get() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *lines) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func createStream(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SEGMENT", Subjects: []string{"segment.>"}}); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, js jetstream.JetStream, subject, body string) {
	t.Helper()
	if _, err := js.Publish(t.Context(), subject, []byte(body)); err != nil {
		t.Fatal(err)
	}
}
