// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// quickLooks has keepers of the test look as often as given, and never slower when
// looks fail.
func quickLooks(t *testing.T, unwell, well time.Duration) {
	t.Helper()
	original := stream.UsualPauses
	const least = time.Millisecond
	stream.UsualPauses = stream.LookPauses{Least: least, Unwell: unwell, Well: well, Longest: 4 * least}
	t.Cleanup(func() { stream.UsualPauses = original })
}

const never = 24 * time.Hour

// TestStreamKeeperLooksAgainWhileUnwell has somebody create and mend the stream of a
// sink to which nobody sends anything, as it was not ready.
func TestStreamKeeperLooksAgainWhileUnwell(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	quickLooks(t, 10*time.Millisecond, never)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	wantStatus(t, s, false, noStreamTake)
	before := apiCalls(t, server)
	natstest.Eventually(t, "the condition holds", func() bool { return apiCalls(t, server) >= before+5 })
	wantStatus(t, s, false, noStreamTake)

	config := natstest.EventStream()
	config.Discard = jetstream.DiscardOld
	client.Create(t, config)
	wantStatus(t, s, true, "EVENTS drops its oldest events")
	if _, err := client.Js.UpdateStream(t.Context(), natstest.EventStream()); err != nil {
		t.Fatal(err)
	}
	if status := wantStatus(t, s, true); len(status.Stream.Findings) > 0 {
		t.Errorf("the stream is %+v", *status.Stream)
	}
	const want = "the stream is not as it should be; the stream is not as it should be; the stream is as it should be"
	natstest.Eventually(t, "the condition holds", func() bool { return logs.Len() >= 3 })
	if got := natstest.Messages(logs); got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// TestStreamKeeperLooksAgainWhileWell deletes the stream of a sink to which nobody sends
// anything.
func TestStreamKeeperLooksAgainWhileWell(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, natstest.WithJetStream)
	client := natstest.NewTestClient(t, server)
	client.Create(t, natstest.EventStream())
	quickLooks(t, never, 10*time.Millisecond)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	status := wantStatus(t, s, true)
	natstest.Eventually(t, "the condition holds", func() bool { status = s.Status(); return status.Stream != nil })
	if err := client.Js.DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	if status = wantStatus(t, s, false, noStreamTake); len(status.Stream.Names) > 0 {
		t.Errorf("the stream is %+v", *status.Stream)
	}
	if got := natstest.Messages(logs); got != "the stream is not as it should be" {
		t.Errorf("logged %q", got)
	}
}

// TestStreamKeeperLooksAgainAfterFailures has looks that fail, between which other
// pauses are.
func TestStreamKeeperLooksAgainAfterFailures(t *testing.T) {
	natstest.CheckLeaks(t)
	server := natstest.StartPlain(t, nil)
	client := natstest.NewTestClient(t, server)
	asked := client.Receive(t, "$JS.API.STREAM.NAMES")
	quickLooks(t, never, never)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	for range 5 {
		answer := []byte(`{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`)
		if err := natstest.Receive(t, asked).Respond(answer); err != nil {
			t.Fatal(err)
		}
	}
	wantStatus(t, s, true, "the stream cannot be looked after: looking for a stream")
	if got := natstest.Messages(logs); got != "cannot look after the stream yet, trying on" {
		t.Errorf("logged %q", got)
	}
}

// TestStreamKeeperPauses has what keeps readiness true within seconds.
func TestStreamKeeperPauses(t *testing.T) {
	k := stream.NewKeeper("segment.events.*.*", nil, pixel.DefaultMaxEventSize)
	if pause := k.Pause(); pause != time.Minute {
		t.Errorf("while all is well the pause is %s", pause)
	}
	k.Last = []string{k.Missing(nil)}
	if pause := k.Pause(); pause != 5*time.Second {
		t.Errorf("without a stream the pause is %s", pause)
	}
}
