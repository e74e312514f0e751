// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// quickLooks has keepers of the test look as often as given, and never slower when
// looks fail.
func quickLooks(t *testing.T, unwell, well time.Duration) {
	t.Helper()
	original := usualPauses
	const least = time.Millisecond
	usualPauses = lookPauses{least: least, unwell: unwell, well: well, longest: 4 * least}
	t.Cleanup(func() { usualPauses = original })
}

const never = 24 * time.Hour

// TestStreamKeeperLooksAgainWhileUnwell has somebody create and mend the stream of a
// sink to which nobody sends anything, as it was not ready.
func TestStreamKeeperLooksAgainWhileUnwell(t *testing.T) {
	checkLeaks(t)
	server := startServer(t, withJetStream)
	client := newTestClient(t, server)
	quickLooks(t, 10*time.Millisecond, never)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	wantStatus(t, s, false, noStreamTake)
	before := apiCalls(t, server)
	eventually(t, patience, func() bool { return apiCalls(t, server) >= before+5 })
	wantStatus(t, s, false, noStreamTake)

	config := eventStream()
	config.Discard = jetstream.DiscardOld
	client.create(t, config)
	wantStatus(t, s, true, "EVENTS drops its oldest events")
	if _, err := client.js.UpdateStream(t.Context(), eventStream()); err != nil {
		t.Fatal(err)
	}
	if status := wantStatus(t, s, true); len(status.Stream.Findings) > 0 {
		t.Errorf("the stream is %+v", *status.Stream)
	}
	const want = "the stream is not as it should be; the stream is not as it should be; the stream is as it should be"
	eventually(t, patience, func() bool { return logs.Len() >= 3 })
	if got := messages(logs); got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// TestStreamKeeperLooksAgainWhileWell deletes the stream of a sink to which nobody sends
// anything.
func TestStreamKeeperLooksAgainWhileWell(t *testing.T) {
	checkLeaks(t)
	server := startServer(t, withJetStream)
	client := newTestClient(t, server)
	client.create(t, eventStream())
	quickLooks(t, never, 10*time.Millisecond)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	status := wantStatus(t, s, true)
	eventually(t, patience, func() bool { status = s.Status(); return status.Stream != nil })
	if err := client.js.DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	if status = wantStatus(t, s, false, noStreamTake); len(status.Stream.Names) > 0 {
		t.Errorf("the stream is %+v", *status.Stream)
	}
	if got := messages(logs); got != "the stream is not as it should be" {
		t.Errorf("logged %q", got)
	}
}

// TestStreamKeeperLooksAgainAfterFailures has looks that fail, between which other
// pauses are.
func TestStreamKeeperLooksAgainAfterFailures(t *testing.T) {
	checkLeaks(t)
	server := startServer(t, nil)
	client := newTestClient(t, server)
	asked := client.subscribe(t, "$JS.API.STREAM.NAMES")
	quickLooks(t, never, never)
	s, logs := startJetStream(t, server.ClientURL(), nil)
	for range 5 {
		answer := []byte(`{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`)
		if err := receive(t, asked).Respond(answer); err != nil {
			t.Fatal(err)
		}
	}
	wantStatus(t, s, true, "the stream cannot be looked after: looking for a stream")
	if got := messages(logs); got != "cannot look after the stream yet, trying on" {
		t.Errorf("logged %q", got)
	}
}

// TestStreamKeeperPauses has what keeps readiness true within seconds.
func TestStreamKeeperPauses(t *testing.T) {
	k := newStreamKeeper("segment.events.*.*", nil, pixel.DefaultMaxEventSize)
	if pause := k.pause(); pause != time.Minute {
		t.Errorf("while all is well the pause is %s", pause)
	}
	k.last = []string{k.missing()}
	if pause := k.pause(); pause != 5*time.Second {
		t.Errorf("without a stream the pause is %s", pause)
	}
}
