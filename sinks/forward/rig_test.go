// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// rig is a forwarder with all that it needs.
type rig struct {
	*memory
	route     *testRoute
	forwarder *Forwarder
	logs      *observer.ObservedLogs
	directory string
	changes   changes
	cancel    context.CancelFunc
	done      chan struct{}
	isPatient bool
}

// newRig makes a forwarder that does not run yet.
func newRig(t testing.TB, servers string) *rig {
	t.Helper()
	r := &rig{memory: newMemory(), route: newRoute(t, servers), directory: t.TempDir()}
	r.renew()
	return r
}

// renew makes another forwarder for the same source, as a restart does.
func (r *rig) renew() {
	var core, logs = observer.New(zap.DebugLevel)
	logger := zap.New(core)
	r.logs = logs
	r.forwarder = New(r.memory, r.directory, func() *zap.Logger { return logger }, r.changes.note)
	r.forwarder.strayWait = 0
	if r.isPatient {
		r.patient()
	}
	wake := r.forwarder.Wake
	r.route.wake.Store(&wake)
	r.forwarder.SetRoute(r.route)
}

// patient has the forwarder send nothing again because an ack is late, as it may be on a
// busy machine. It is for tests in which messages are counted and no ack is missing.
func (r *rig) patient() {
	r.isPatient = true
	r.forwarder.ackWait, r.forwarder.batches.ackWait = natstest.Patience, natstest.Patience
}

// start has the forwarder run until the test ends or stop is called.
func (r *rig) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.run(ctx, cancel)
	t.Cleanup(r.stop)
}

func (r *rig) run(ctx context.Context, cancel context.CancelFunc) {
	forwarder, done := r.forwarder, make(chan struct{})
	r.cancel, r.done = cancel, done
	go func() {
		defer close(done)
		forwarder.Run(ctx)
	}()
}

func (r *rig) stop() {
	r.cancel()
	<-r.done
}

// lines returns how many lines say this.
func (r *rig) lines(message string) int {
	return r.logs.FilterMessage(message).Len()
}

// refuseSecret fails the test if a part of an event is in the logs.
func (r *rig) refuseSecret(t testing.TB) {
	t.Helper()
	for _, line := range r.logs.All() {
		if text := line.Message + fmt.Sprint(line.ContextMap()); strings.Contains(text, secret) {
			t.Errorf("the log holds a part of an event: %s", text)
		}
	}
}

func (r *rig) asideFile() string {
	return filepath.Join(r.directory, AsideFile)
}

// createStream creates the stream of the events, which allows batches.
func createStream(t testing.TB, js jetstream.JetStream, change func(*jetstream.StreamConfig)) jetstream.Stream {
	t.Helper()
	config := jetstream.StreamConfig{
		Name: "EVENTS", Subjects: []string{"events.>"}, Discard: jetstream.DiscardNew, AllowBatchPublish: true,
	}
	if change != nil {
		change(&config)
	}
	ctx, cancel := context.WithTimeout(context.Background(), natstest.Patience)
	defer cancel()
	stream, err := js.CreateStream(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func updateStream(t testing.TB, js jetstream.JetStream, stream jetstream.Stream, change func(*jetstream.StreamConfig)) {
	t.Helper()
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

// storedIn returns what is in a stream.
func storedIn(t testing.TB, js jetstream.JetStream, name string) []spool.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), natstest.Patience)
	defer cancel()
	stream, err := js.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	n := stream.CachedInfo().State.Msgs
	if n == 0 {
		return nil
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	var list []spool.Event
	for uint64(len(list)) < n {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(list), n, err)
		}
		list = append(list, spool.Event{
			Subject:     msg.Subject(),
			MessageID:   msg.Headers().Get(nats.MsgIdHdr),
			TraceParent: msg.Headers().Get(headerTraceParent),
			Body:        msg.Data(),
		})
	}
	return list
}

// wantStored fails the test unless the stream holds exactly these events, in order.
func wantStored(t testing.TB, js jetstream.JetStream, want []spool.Event) {
	t.Helper()
	got := storedIn(t, js, "EVENTS")
	for i := range min(len(got), len(want)) {
		if !same(got[i], want[i]) {
			t.Fatalf("message %d is %+v, want %+v", i+1, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("the stream holds %d messages, want %d", len(got), len(want))
	}
}

// wantEach fails the test unless the stream holds each of the first n events once,
// in whatever order.
func wantEach(t testing.TB, js jetstream.JetStream, n int) {
	t.Helper()
	counts := make(map[string]int)
	for _, e := range storedIn(t, js, "EVENTS") {
		counts[e.MessageID]++
	}
	for i := 1; i <= n; i++ {
		if count := counts[event(i).MessageID]; count != 1 {
			t.Errorf("event %d is stored %d times", i, count)
		}
	}
	if len(counts) != n {
		t.Errorf("the stream holds %d different events, want %d", len(counts), n)
	}
}

func same(a, b spool.Event) bool {
	return a.Subject == b.Subject && a.MessageID == b.MessageID && a.TraceParent == b.TraceParent && string(a.Body) == string(b.Body)
}

// modes runs a test with events published in batches and singly.
func modes(t *testing.T, f func(t *testing.T, batched bool)) {
	t.Helper()
	for _, batched := range []bool{true, false} {
		name := "singly"
		if batched {
			name = "batched"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, batched)
		})
	}
}
