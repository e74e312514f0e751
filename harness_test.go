// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	segmentpixel "github.com/segmentpixel/caddy-segment-pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// patience is how long tests wait for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

// segmentSample is what Segment's documentation prints as the value of data.
const segmentSample = "eyJ3cml0ZUtleSI6ICJZT1VSX1dSSVRFX0tFWSIsICJ1c2VySWQiOiAiMDI1cGlrYWNodTAyNSIsICJldmVudCI6ICJFbWFpbCBPcGVuZWQiLCAicHJvcGVydGllcyI6IHsgICAic3ViamVjdCI6ICJUaGUgRWxlY3RyaWMgRGFpbHkiLCAgICJlbWFpbCI6ICJwZWVrQXRNZUBlbWFpbC5wb2tlIiB9fQ"

// site is a running Caddy with one HTTP port.
type site struct {
	t    *testing.T
	dir  string // for the files of the test
	port int
	url  string
}

// newSite reserves a port and a folder. Nothing runs yet. Tests that use it share
// the process's one Caddy, so they do not run in parallel.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), port: freePort(t)}
	s.url = "http://127.0.0.1:" + strconv.Itoa(s.port)
	t.Setenv("XDG_DATA_HOME", s.dir) // for spools that are given no directory
	before := goleak.IgnoreCurrent()
	// Caddy's storage looks every few seconds whether a lock has been released.
	lock := goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh")
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
		var leak error
		eventually(t, "nothing is left running", func() bool {
			leak = goleak.Find(before, lock)
			return leak == nil || t.Failed()
		})
		if leak != nil {
			t.Error(leak)
		}
	})
	return s
}

// config returns the JSON of a Caddyfile whose one site has this body. The words
// DIR and PORT stand for the folder and the port.
func (s *site) config(body string) []byte {
	s.t.Helper()
	return s.adapt("http://127.0.0.1:PORT {\n" + body + "\n}")
}

// adapt returns the JSON of a Caddyfile. Its log goes to DIR/caddy.log.
func (s *site) adapt(sites string) []byte {
	s.t.Helper()
	text := `{
		admin off
		persist_config off
		storage file_system DIR/storage
		skip_install_trust
		auto_https disable_redirects
		log default {
			output file DIR/caddy.log {
				roll_disabled
			}
			level DEBUG
		}
		GLOBAL
	}
	` + sites
	if i := strings.Index(sites, "GLOBAL{"); i >= 0 {
		options, rest, _ := strings.Cut(sites[i+len("GLOBAL{"):], "}GLOBAL")
		text = strings.Replace(text[:len(text)-len(sites)], "GLOBAL", options, 1) + sites[:i] + rest
	} else {
		text = strings.Replace(text, "GLOBAL", "", 1)
	}
	text = strings.NewReplacer("DIR", s.dir, "PORT", strconv.Itoa(s.port)).Replace(text)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		s.t.Fatalf("adapting: %v", err)
	}
	return adapted
}

// run loads a Caddyfile with this body of its site.
func (s *site) run(body string) {
	s.t.Helper()
	s.load(s.config(body))
}

func (s *site) load(config []byte) {
	s.t.Helper()
	if err := caddy.Load(config, true); err != nil {
		s.t.Fatalf("loading: %v", err)
	}
}

// get sends a pixel and checks that it is answered as every pixel is.
func (s *site) get(path string, header ...string) {
	s.t.Helper()
	response, body := s.do(http.MethodGet, path, header...)
	if response.StatusCode != http.StatusOK || body != pixel.GIF {
		s.t.Fatalf("GET %s: %s with %d bytes", path, response.Status, len(body))
	}
}

func (s *site) do(method, path string, header ...string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

// lines reads the JSON lines of a file of the test.
func (s *site) lines(name string) []map[string]any {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		s.t.Fatal(err)
	}
	var lines []map[string]any
	scanner := bufio.NewScanner(bytes.NewReader(content))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, parse(s.t, scanner.Bytes()))
	}
	return lines
}

// logged returns the lines of Caddy's log that hold the text in their message.
func (s *site) logged(message string) []map[string]any {
	s.t.Helper()
	var found []map[string]any
	for _, line := range s.lines("caddy.log") {
		if text, _ := line["msg"].(string); strings.Contains(text, message) {
			found = append(found, line)
		}
	}
	return found
}

// rejected returns the reasons that were logged, in order.
func (s *site) rejected() []string {
	s.t.Helper()
	var reasons []string
	for _, line := range s.logged("rejected") {
		if reason, ok := line["reason"].(string); ok {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

func parse(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// data is the data parameter of an object.
func data(object string) string {
	return "data=" + base64.RawURLEncoding.EncodeToString([]byte(object))
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// eventually waits for cond, and fails the test when it does not come about.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// broker is a NATS server with JetStream and a client of the test's own.
type broker struct {
	t      *testing.T
	server *server.Server
	client *nats.Conn
	js     jetstream.JetStream
}

// startNATS starts a server on a port of its own, or on the one given.
func startNATS(t *testing.T, port int) *broker {
	t.Helper()
	s := startServer(t, &server.Options{Port: port, JetStream: true, StoreDir: t.TempDir()})
	b := &broker{t: t, server: s}
	var err error
	if b.client, err = nats.Connect(s.ClientURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	if b.js, err = jetstream.New(b.client); err != nil {
		t.Fatal(err)
	}
	return b
}

// startServer starts a quiet server on this machine until the end of the test.
func startServer(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	options.Host, options.NoLog, options.NoSigs = "127.0.0.1", true, true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS does not get ready")
	}
	return s
}

// createStream creates the stream SEGMENT as the README recommends it.
func (b *broker) createStream() {
	b.t.Helper()
	_, err := b.js.CreateStream(b.t.Context(), jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, Discard: jetstream.DiscardNew,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// totalConnections is how many connections the server has seen in its life.
func (b *broker) totalConnections() uint64 {
	b.t.Helper()
	varz, err := b.server.Varz(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return varz.TotalConnections
}

// await waits until the stream has n messages, and returns them all.
func (b *broker) await(n int) []*jetstream.RawStreamMsg {
	b.t.Helper()
	eventually(b.t, "the stream has the events", func() bool {
		stream, err := b.js.Stream(b.t.Context(), "SEGMENT")
		return err == nil && stream.CachedInfo().State.Msgs >= uint64(n)
	})
	return b.stored()
}

// stored returns every message of the stream.
func (b *broker) stored() []*jetstream.RawStreamMsg {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	stream, err := b.js.Stream(ctx, "SEGMENT")
	if err != nil {
		b.t.Fatal(err)
	}
	state := stream.CachedInfo().State
	var msgs []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if err != nil {
			b.t.Fatal(err)
		}
		msgs = append(msgs, msg)
	}
	return msgs
}

// subscribe collects what is published to a subject from now on.
func (b *broker) subscribe(subject string) <-chan *nats.Msg {
	b.t.Helper()
	msgs := make(chan *nats.Msg, 1000)
	if _, err := b.client.ChanSubscribe(subject, msgs); err != nil {
		b.t.Fatal(err)
	}
	if err := b.client.Flush(); err != nil {
		b.t.Fatal(err)
	}
	return msgs
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// The handler that the tests are about is registered by this package.
var _ caddy.Module = (*segmentpixel.Handler)(nil)
