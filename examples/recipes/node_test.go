// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestNode kills the consumer while pixels come, and counts: each event is printed, and
// those that are printed twice have one id.
func TestNode(t *testing.T) {
	dir := installNPM(t, "../node", "consumer.mjs")
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	s := pixeltest.NewSite(t)
	s.Run("segment_pixel {\nwrite_key k newsletter\nsink jetstream " + b.Server.ClientURL() + "\n}")
	defer func() { _ = b.Js.DeleteConsumer(t.Context(), "SEGMENT", "node") }()

	printed := make(chan string, 10_000)
	start := func() (kill func()) {
		cmd := exec.Command("node", "consumer.mjs", b.Server.ClientURL(), "SEGMENT")
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for lines := bufio.NewScanner(out); lines.Scan(); {
				printed <- lines.Text()
			}
		}()
		return func() {
			_ = cmd.Process.Kill()
			<-ended
			_ = cmd.Wait()
		}
	}
	users := make(map[string]string) // by the id of the event
	sent := 0
	const each = 200
	kill := start()
	for range 3 {
		for range each {
			s.Get(fmt.Sprintf("/v1/pixel/track?writeKey=k&userId=u%d&event=e", sent))
			sent++
		}
		deadline := time.After(pixeltest.Patience)
		for len(users) < sent-each/2 {
			select {
			case line := <-printed:
				note(t, users, line)
			case <-deadline:
				t.Fatalf("%d of %d events are printed", len(users), sent)
			}
		}
		kill()
		kill = start()
	}
	defer kill()
	deadline := time.After(pixeltest.Patience)
	for len(users) < sent {
		select {
		case line := <-printed:
			note(t, users, line)
		case <-deadline:
			t.Fatalf("%d of %d events are printed", len(users), sent)
		}
	}
	people := make(map[string]bool)
	for _, user := range users {
		people[user] = true
	}
	if len(users) != sent || len(people) != sent {
		t.Errorf("%d ids of %d people, want %d", len(users), len(people), sent)
	}
}

func note(t *testing.T, users map[string]string, line string) {
	t.Helper()
	var event struct{ ID, UserID string }
	if err := json.Unmarshal([]byte(line), &event); err != nil || event.ID == "" {
		t.Fatalf("%v: %s", err, line)
	}
	users[event.ID] = event.UserID
}
