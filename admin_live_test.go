// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// liveReader reads server-sent events.
type liveReader struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

var errEndOfStream = errors.New("the stream has ended")

// next returns the name and the data of the next event.
func (l *liveReader) next() (name string, record shown, err error) {
	l.t.Helper()
	type answer struct {
		name   string
		record shown
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errEndOfStream}
		for l.lines.Scan() {
			if event, found := strings.CutPrefix(l.lines.Text(), "event: "); found {
				a.name = event
			}
			if text, found := strings.CutPrefix(l.lines.Text(), "data: "); found {
				a.err = json.Unmarshal([]byte(text), &a.record)
				break
			}
		}
		answers <- a
	}()
	a := receive(l.t, answers)
	return a.name, a.record, a.err
}

func (l *liveReader) want(events ...string) (last shown) {
	l.t.Helper()
	for _, want := range events {
		_, got, err := l.next()
		if err != nil || got.Event != want {
			l.t.Fatalf("got %+v, %v, want %q", got, err, want)
		}
		last = got
	}
	return last
}

func TestLive(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	mine := "source=" + source(t)
	s.get(track("one"))
	s.get(track("two"))
	all := readLive(s, mine, "")
	all.want("one", "two")
	future := readLive(s, mine+"&recent=false", "")
	bad := readLive(s, mine+"&outcome=rejected", "")
	s.get(track("three"))
	s.get("/v1/pixel/track?writeKey=k&userId=u")
	three := all.want("three")
	future.want("three", "")
	if _, got, err := bad.next(); err != nil || got.Reason != "no_event" {
		t.Errorf("got %+v, %v", got, err)
	}
	// One who comes back goes on where he was.
	again := readLive(s, mine, strconv.FormatUint(three.ID, 10))
	if _, got, err := again.next(); err != nil || got.Reason != "no_event" {
		t.Errorf("got %+v, %v", got, err)
	}
	all.want("") // the rejected one

	// A reload ends the streams, so that the endpoint can end, and loses nothing.
	s.run("segment_pixel {\nrecent 100\n}", silent(t))
	if _, got, err := all.next(); !errors.Is(err, errEndOfStream) {
		t.Errorf("after a reload: %+v, %v", got, err)
	}
	s.get(track("four"))
	readLive(s, mine+"&type=track&outcome=accepted", strconv.FormatUint(three.ID, 10)).want("four")
}

// TestLiveMissed has more come than is kept while nobody reads.
func TestLiveMissed(t *testing.T) {
	s := newAdminSite(t)
	s.run("segment_pixel {\nrecent 3\n}", silent(t))
	s.get(track("first"))
	reader := readLive(s, "source="+source(t)+"&recent=false", "")
	last := s.recent("source=" + source(t))[0]
	reader.cancel()
	for i := range 10 {
		s.get(track(fmt.Sprint(i)))
	}
	readLive(s, "source="+source(t), strconv.FormatUint(last.ID, 10)).want("7", "8", "9")
}

// TestFailedReload loads a configuration that does not work: Caddy keeps its new admin
// endpoint all the same.
func TestFailedReload(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	before := readLive(s, "source="+source(t), "")
	s.get(track("one"))
	before.want("one")
	for i := range 2 {
		s.moveAdmin()
		config := fmt.Sprintf(`{"admin":{"listen":%q,"config":{"persist":false}},"apps":{"http":{"servers":{"srv0":{
			"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"nosuch"}]}]}}}}}`, strings.TrimPrefix(s.admin, "http://"))
		if err := caddy.Load([]byte(config), true); err == nil {
			t.Fatal("loaded")
		}
		if _, got, err := before.next(); !errors.Is(err, errEndOfStream) {
			t.Errorf("the stream of the old endpoint goes on: %+v, %v", got, err)
		}
		after := readLive(s, "recent=false&source="+source(t), "")
		s.get(track("two"))
		after.want("two")
		if got := s.metrics()[`caddy_segment_pixel_requests_total{outcome="accepted",reason="",source="`+source(t)+`",type="track"}`]; got != float64(2+i) {
			t.Errorf("the metric is %v", got)
		}
		if status := s.status(); !status.Ready || len(status.Handlers) != 1 {
			t.Errorf("got %+v", status)
		}
		before = after
	}
}

// readLive opens a stream of records.
func readLive(s *adminSite, query, lastID string) *liveReader {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+"/segment_pixel/live?"+query, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		s.t.Fatalf("%s with %s", response.Status, got)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return &liveReader{t: s.t, lines: lines, cancel: cancel}
}
