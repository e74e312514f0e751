// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/replay"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// explainingAdmin is an admin endpoint with this to say of each pixel, and tells what
// it is asked.
func explainingAdmin(t *testing.T, answer func(target string) (code int, text string)) (address string, asked <-chan string) {
	t.Helper()
	targets := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		if r.Method != http.MethodPost || r.URL.Path != "/segment_pixel/explain" {
			t.Errorf("asked for %s %s", r.Method, r.URL.Path)
		}
		targets <- body.String()
		code, text := answer(body.String())
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), targets
}

// TestReplayAsksFirst runs a Caddy that does not know of the fix, and then does.
func TestReplayAsksFirst(t *testing.T) {
	a, b := pixeltest.NewAdminSite(t), pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event=ü")
	body := func(keys string) string {
		return "segment_pixel {\n" + keys + "\nsink nats " + b.Server.ClientURL() + "\n}"
	}
	a.Run("", body("write_key OTHER other"))
	file := pixeltest.WriteCaddyfile(t, body("write_key OTHER other\nwrite_key KEY web"))
	address := strings.TrimPrefix(a.Admin, "http://")
	target, asked := pixels(t, nil)
	args := []string{"--config", file, "--to", target, "--address", address}
	for _, more := range [][]string{nil, {"--dry-run"}} {
		pixeltest.Execute(t, replay.New(), append(args, more...)...).Want(1,
			"sending the message 1 of the stream: the Caddy at "+address+" would reject what the configuration accepts (unknown_write_key: ",
			"it probably has not been reloaded yet", "to go on: --from-seq 1\n")
	}
	if len(asked) > 0 {
		t.Errorf("sent: %s", <-asked)
	}

	a.Run("", body("write_key OTHER other\nwrite_key KEY web"))
	address = strings.TrimPrefix(a.Admin, "http://")
	args[len(args)-1] = address
	pixeltest.Execute(t, replay.New(), append(args, "--path-prefix", "/before/a/rewrite")...).Want(0,
		"1 answered by "+target+"/before/a/rewrite/\nthe Caddy at "+address+" accepts them\n")
	if u := pixeltest.Receive(t, asked); u.Path != "/before/a/rewrite/track" || len(asked) > 0 {
		t.Errorf("asked for %s, and %d more", u.Path, len(asked))
	}
}

func TestReplayAsksAboutEachPixel(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	for _, name := range []string{"1", "2", "3"} {
		b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&messageId=m&timestamp=2026-01-02T03:04:05Z&event="+name)
	}
	address, asked := explainingAdmin(t, func(target string) (int, string) {
		if strings.HasSuffix(target, "event=2") {
			return http.StatusOK, `{"outcome":"rejected","reason":"too_large","detail":"2 bytes\u001b[2J","handler":0}`
		}
		return http.StatusOK, `{"outcome":"accepted","handler":0}`
	})
	target, sent := pixels(t, nil)
	e := pixeltest.Execute(t, replay.New(), "--config", replayFile(t, b, "path_prefix /"), "--to", target, "--address", address)
	e.Want(1, `(too_large: 2 bytes\x1b[2J)`, "1 answered by "+target+"/\n", "to go on: --from-seq 2\n")
	if len(sent) != 1 || len(asked) != 2 {
		t.Errorf("%d sent, %d asked about", len(sent), len(asked))
	}
	if first, u := pixeltest.Receive(t, asked), pixeltest.Receive(t, sent); first != u.RequestURI() {
		t.Errorf("asked about %s and sent %s", first, u)
	}
}

func TestReplayCannotAsk(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event=s3cret")
	answers := func(code int, text string) string {
		address, _ := explainingAdmin(t, func(string) (int, string) { return code, text })
		return address
	}
	for _, test := range []struct {
		name, address, words string
	}{
		{"no address", "127.0.0.1:1-3", "--address 127.0.0.1:1-3 is no address of an admin endpoint"},
		{"nobody there", "127.0.0.1:1", "asking the Caddy at 127.0.0.1:1 whether it accepts the pixel: dial tcp"},
		{"another Caddy", answers(http.StatusNotFound, ""), "it has no segment_pixel: check --address"},
		{"an error", answers(http.StatusBadRequest, `{"error":"no configuration"}`), `it answers 400 Bad Request: {"error":"no configuration"}`},
		{"no JSON", answers(http.StatusOK, "hello"), "its answer cannot be read"},
		{"no handler", answers(http.StatusOK, `{"outcome":"rejected","reason":"unknown_route","handler":-1}`), "(unknown_route: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			target, sent := pixels(t, nil)
			e := pixeltest.Execute(t, replay.New(), "--config", replayFile(t, b, ""), "--to", target, "--address", test.address)
			e.Want(1, test.words)
			if len(sent) > 0 || strings.Contains(e.Err.Error(), "s3cret") {
				t.Errorf("%d sent: %v", len(sent), e.Err)
			}
		})
	}
}

// TestReplayEndsWithASignal asks a process to end, as a person and as the system does.
func TestReplayEndsWithASignal(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	b.KeepRejected()
	b.Reject("unknown_write_key", "track", "", "writeKey=KEY&userId=u&event=e")
	for name, signal := range map[string]os.Signal{"a person": os.Interrupt, "the system": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			target, asked := pixels(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			cmd := exec.CommandContext(t.Context(), os.Args[0], "segment-pixel", "replay", "--config", replayFile(t, b, ""), "--to", target)
			cmd.Env = append(os.Environ(), pixeltest.AsCaddy+"=1", "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pixeltest.Receive(t, asked)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // The state says more.
			if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(out.String(), "the replay was interrupted") ||
				!strings.Contains(out.String(), "to go on: --from-seq 1\n") {
				t.Errorf("exit status %d:\n%s", code, &out)
			}
		})
	}
}
