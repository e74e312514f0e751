// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestDrain fills a spool while NATS is away, and drains it when it is there.
func TestDrain(t *testing.T) {
	s := pixeltest.NewSite(t)
	port := pixeltest.FreePort(t)
	spool := filepath.Join(s.Dir, "spool")
	handler := "segment_pixel {\nwrite_key k web\nsink jetstream nats://127.0.0.1:" + strconv.Itoa(port) + " {\nspool " + spool + "\n}\n}\n"
	s.Run(handler)
	const n = 300
	for range n {
		s.Get("/v1/pixel/page?writeKey=k&userId=u")
	}
	file := pixeltest.WriteCaddyfile(t, handler)
	if _, messages, code := pixeltest.RunCaddy(t, "", "segment-pixel", "drain", "--config", file); code != caddy.ExitCodeFailedStartup || !strings.Contains(messages, "another process uses it") {
		t.Errorf("beside a Caddy that runs: exit status %d: %s", code, messages)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	pixeltest.Execute(t, command.NewDrain(), "--config", file, "--timeout", "500ms").Want(cli.ExitProblem, spool+": 0 sent, 300 left")
	b := pixeltest.StartNATS(t, port)
	b.CreateStream()
	pixeltest.Execute(t, command.NewDrain(), "--config", file, "--json").Want(caddy.ExitCodeSuccess, `"sent":300,"left":0`)
	b.Await(n)
	pixeltest.Execute(t, command.NewDrain(), "--config", file).Want(caddy.ExitCodeSuccess, "0 sent, 0 left")
	if stored := len(b.Stored()); stored != n {
		t.Errorf("%d are stored", stored)
	}
	none := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key k web\nsink writer discard\n}")
	pixeltest.Execute(t, command.NewDrain(), "--config", none).Want(caddy.ExitCodeFailedStartup, "no sink of the configuration has a spool")
}

// TestDrainOfWhatIsMissing leaves out no sink in silence: its spool may hold events.
func TestDrainOfWhatIsMissing(t *testing.T) {
	file := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key k\nsink jetstream {\nspool "+t.TempDir()+"\n}\nsink jetstream {\ntoken {env.PIXEL_TEST_UNSET}\n}\n}")
	got := pixeltest.Execute(t, command.NewDrain(), "--config", file)
	if got.Err == nil || !strings.Contains(got.Err.Error(), "sink jetstream cannot be had here (token: the environment variable PIXEL_TEST_UNSET is not set or empty)") {
		t.Errorf("it ends with %v, after\n%s", got.Err, got.Out)
	}
}
