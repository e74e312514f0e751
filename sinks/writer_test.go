// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/logging"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// loadFileWriter provisions a writer sink for a file, with more options of Caddy's
// file writer.
func loadFileWriter(t *testing.T, file, options string) *Writer {
	t.Helper()
	name, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"writer":{"output":"file","filename":%s%s}}`, name, options)
	return loadSink(t, "writer", config).(*Writer)
}

func startSink(t *testing.T, s Starter) {
	t.Helper()
	if err := s.Start(Site{MaxEventSize: pixel.DefaultMaxEventSize}); err != nil {
		t.Fatalf("starting: %v", err)
	}
}

func publish(t *testing.T, s Sink, event *pixel.Event) {
	t.Helper()
	if err := s.Publish(context.Background(), event); err != nil {
		t.Errorf("publishing: %v", err)
	}
}

// openWriters is how many writers are open.
func openWriters() int {
	n := 0
	writers.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}

// stopWriter stops a sink that is the last to write anywhere.
func stopWriter(t *testing.T, w *Writer) {
	t.Helper()
	w.Stop()
	natstest.Eventually(t, "the condition holds", func() bool { return openWriters() == 0 })
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, found := strings.CutSuffix(string(content), "\n")
	if !found {
		t.Fatalf("%q does not end in a line break", content)
	}
	return strings.Split(text, "\n")
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func TestWriter(t *testing.T) {
	for _, options := range []string{"", `,"roll":false`} {
		t.Run("options "+options, func(t *testing.T) {
			natstest.CheckLeaks(t)
			file := filepath.Join(t.TempDir(), "made", "events.ndjson")
			w := loadFileWriter(t, file, options)
			if exists(filepath.Dir(file)) {
				t.Error("provisioning made the folder of the file")
			}
			startSink(t, w)
			if !exists(file) {
				t.Error("starting did not make the file")
			}
			for _, body := range []string{
				`{"n":1}`,
				"{\n\t\"n\" :\r\n 2\n}",
				`{"n":"a\nb\u2028"}`,
				"{\"n\":\"\u2028\"}",
			} {
				memory := []byte(body)
				publish(t, w, &pixel.Event{Body: memory})
				clear(memory)
			}
			stopWriter(t, w)
			want := `{"n":1}|{ 	"n" :   2 }|{"n":"a\nb\u2028"}|` + "{\"n\":\"\u2028\"}"
			if got := strings.Join(readLines(t, file), "|"); got != want {
				t.Errorf("wrote %q, want %q", got, want)
			}
		})
	}
}

// TestWriterOutsideOfItsLife publishes as the requests do that come before a
// configuration is started and after it is cleaned up.
func TestWriterOutsideOfItsLife(t *testing.T) {
	natstest.CheckLeaks(t)
	file := filepath.Join(t.TempDir(), "events.ndjson")
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	w := new(Writer)
	w.WriterRaw = caddyJSON(t, map[string]any{"output": "file", "filename": file})
	if err := w.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	publish(t, w, newEvent("before"))
	if len(readLines(t, file)) != 1 {
		t.Error("an event before the start was not written")
	}
	startSink(t, w)
	stopWriter(t, w)
	cancel()
	publish(t, w, newEvent("after 1"))
	publish(t, w, newEvent("after 2"))
	if n := openWriters(); n != 0 {
		t.Errorf("%d writers stay open", n)
	}
	if n := len(readLines(t, file)); n != 3 {
		t.Errorf("%d events were written, want 3", n)
	}
}

func caddyJSON(t *testing.T, value any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestWriterShares has two sinks on one file, written to from many requests at
// once: no line is torn or lost.
func TestWriterShares(t *testing.T) {
	natstest.CheckLeaks(t)
	file := filepath.Join(t.TempDir(), "events.ndjson")
	pair := []*Writer{loadFileWriter(t, file, ""), loadFileWriter(t, file, "")}
	for _, w := range pair {
		startSink(t, w)
	}
	if pair[0].lease.value != pair[1].lease.value {
		t.Error("two sinks on one file have two writers")
	}
	const each = 100
	var writing sync.WaitGroup
	want := make(map[string]bool)
	for i := range 8 {
		letter := string(rune('a' + i))
		for n := range each {
			want[fmt.Sprintf(`{"n":"%s%d"}`, strings.Repeat(letter, 50*n+1), n)] = true
		}
		writing.Go(func() {
			for n := range each {
				body := fmt.Sprintf(`{"n":"%s%d"}`, strings.Repeat(letter, 50*n+1), n)
				publish(t, pair[i%2], &pixel.Event{Body: []byte(body)})
			}
		})
	}
	writing.Wait()
	pair[0].Stop()
	publish(t, pair[1], &pixel.Event{Body: []byte(`{"n":"last"}`)})
	want[`{"n":"last"}`] = true
	stopWriter(t, pair[1])

	lines := readLines(t, file)
	if len(lines) != len(want) {
		t.Errorf("%d lines, want %d", len(lines), len(want))
	}
	for _, line := range lines {
		if !want[line] {
			t.Fatalf("nobody wrote the line %.80s", line)
		}
		delete(want, line)
	}
}

// fakeOutput is a log writer that fails when it is told to.
type fakeOutput struct {
	key               string
	openErr, writeErr error
	text              strings.Builder
	closed            chan struct{} // gets a value for each time
}

func (f *fakeOutput) String() string                      { return "the output " + f.key }
func (f *fakeOutput) WriterKey() string                   { return f.key }
func (f *fakeOutput) OpenWriter() (io.WriteCloser, error) { return f, f.openErr }

func (f *fakeOutput) Write(p []byte) (int, error) {
	if f.writeErr != nil {
		return 0, f.writeErr
	}
	return f.text.Write(p)
}

func (f *fakeOutput) Close() error {
	f.closed <- struct{}{}
	return nil
}

func TestWriterReturnsErrors(t *testing.T) {
	full := errors.New("disk full")
	output := &fakeOutput{key: t.Name(), writeErr: full, closed: make(chan struct{}, 1)}
	w := new(Writer)
	if err := w.Provision(moduleContext(t)); err != nil {
		t.Fatal(err)
	}
	w.opener = output
	if err := w.Publish(context.Background(), newEvent("1")); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	output.writeErr = nil
	publish(t, w, newEvent("2"))
	w.Stop()
	natstest.Receive(t, output.closed)
	if got := output.text.String(); got != string(newEvent("2").Body)+"\n" {
		t.Errorf("wrote %q", got)
	}

	refused := errors.New("refused")
	output.openErr = refused
	if err := w.Publish(context.Background(), newEvent("3")); !errors.Is(err, refused) {
		t.Errorf("got %v, want %v", err, refused)
	}
}

// stuckOutput takes nothing until it is closed, like a network peer that has
// stopped reading.
type stuckOutput struct{ closed chan struct{} }

func (s *stuckOutput) Write([]byte) (int, error) {
	<-s.closed
	return 0, io.ErrClosedPipe
}

func (s *stuckOutput) Close() error {
	close(s.closed)
	return nil
}

// TestWriterStuck has one event that hangs in its writer and one that waits for
// its turn.
func TestWriterStuck(t *testing.T) {
	natstest.CheckLeaks(t)
	lines := newLineWriter(&stuckOutput{make(chan struct{})})
	lines.timeout = time.Millisecond
	for range 2 {
		if err := lines.write([]byte("{}")); !errors.Is(err, errWriterStuck) {
			t.Errorf("got %v, want %v", err, errWriterStuck)
		}
	}
	if err := lines.Destruct(); err != nil {
		t.Error(err)
	}
}

func TestWriterStartErrors(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "a file")
	natstest.WriteFile(t, blocked, "")
	w := loadFileWriter(t, filepath.Join(blocked, "events.ndjson"), "")
	natstest.WantError(t, w.Start(Site{}), "opening "+filepath.Join(blocked, "events.ndjson"))
	if n := openWriters(); n != 0 {
		t.Errorf("%d writers are open", n)
	}
}

func TestWriterProvisionErrors(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{`{"writer":{"output":"kafka"}}`, "loading log writer: "},
		{`{"writer":{"output":"file","filename":"{env.TEST_UNSET}"}}`, "TEST_UNSET"},
		{`{"writer":{"output":"net","address":"a:1-2"}}`, "multiple ports"},
	} {
		_, err := moduleContext(t).LoadModuleByID(Namespace+".writer", json.RawMessage(test.config))
		natstest.WantError(t, err, test.want)
	}
}

func TestWriterDefault(t *testing.T) {
	w := loadSink(t, "writer", `{}`).(*Writer)
	if _, ok := w.opener.(caddy.StdoutWriter); !ok {
		t.Errorf("the default output is %s", w.opener)
	}
}

// A writer that discards everything is no detour.
func TestWriterDiscards(t *testing.T) {
	w := loadSink(t, "writer", `{"writer":{"output":"discard"}}`).(*Writer)
	if !w.discard {
		t.Error("the events are passed to a writer that discards them")
	}
	if err := w.Publish(context.Background(), newEvent("1")); err != nil {
		t.Error(err)
	}
	if w.lease.release != nil {
		t.Error("something was opened for what is discarded")
	}
}

// TestWriterKeepsEverything rolls more files than Caddy keeps of a log.
func TestWriterKeepsEverything(t *testing.T) {
	natstest.CheckLeaks(t)
	for options, kept := range map[string]bool{"": true, `,"roll_keep":2`: false} {
		file := filepath.Join(t.TempDir(), "events.ndjson")
		w := loadFileWriter(t, file, `,"roll_size_mb":1,"roll_compression":"none"`+options)
		startSink(t, w)
		const events = 14
		for n := range events {
			publish(t, w, &pixel.Event{Body: fmt.Appendf(nil, `{"n":%d,"fill":%q}`, n, strings.Repeat("x", 1_000_000))})
		}
		stopWriter(t, w)
		count := func() (n int) {
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
			for _, name := range files {
				n += len(readLines(t, name))
			}
			return n
		}
		check := w.Examine(t.Context(), Site{})[0]
		if kept && (count() != events || check.Mark != report.OK) {
			t.Errorf("%d of %d events are there; the doctor says %+v", count(), events, check)
		}
		if !kept && (check.Mark != report.Warning || !strings.Contains(check.Found, "roll_keep 2")) {
			t.Errorf("the doctor says %+v", check)
		}
	}
}
