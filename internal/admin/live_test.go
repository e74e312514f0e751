// SPDX-License-Identifier: Apache-2.0

package admin_test

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

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// liveReader reads server-sent events.
type liveReader struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

var errEndOfStream = errors.New("the stream has ended")

// Next returns the name and the data of the next event.
func (l *liveReader) Next() (name string, record pixeltest.Shown, err error) {
	l.t.Helper()
	type answer struct {
		name   string
		record pixeltest.Shown
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
	a := pixeltest.Receive(l.t, answers)
	return a.name, a.record, a.err
}

func (l *liveReader) Want(events ...string) (last pixeltest.Shown) {
	l.t.Helper()
	for _, want := range events {
		_, got, err := l.Next()
		if err != nil || got.Event != want {
			l.t.Fatalf("got %+v, %v, want %q", got, err, want)
		}
		last = got
	}
	return last
}

func TestLive(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	mine := "source=" + pixeltest.Source(t)
	s.Get(pixeltest.Track("one"))
	s.Get(pixeltest.Track("two"))
	all := readLive(s, mine, "")
	all.Want("one", "two")
	future := readLive(s, mine+"&recent=false", "")
	bad := readLive(s, mine+"&outcome=rejected", "")
	s.Get(pixeltest.Track("three"))
	s.Get("/v1/pixel/track?writeKey=k&userId=u")
	three := all.Want("three")
	future.Want("three", "")
	if _, got, err := bad.Next(); err != nil || got.Reason != "no_event" {
		t.Errorf("got %+v, %v", got, err)
	}
	// One who comes back goes on where he was.
	again := readLive(s, mine, strconv.FormatUint(three.ID, 10))
	if _, got, err := again.Next(); err != nil || got.Reason != "no_event" {
		t.Errorf("got %+v, %v", got, err)
	}
	all.Want("") // the rejected one

	// A reload ends the streams, so that the endpoint can end, and loses nothing.
	s.Run("segment_pixel {\nrecent 100\n}", pixeltest.Silent(t))
	if _, got, err := all.Next(); !errors.Is(err, errEndOfStream) {
		t.Errorf("after a reload: %+v, %v", got, err)
	}
	s.Get(pixeltest.Track("four"))
	readLive(s, mine+"&type=track&outcome=accepted", strconv.FormatUint(three.ID, 10)).Want("four")
}

// TestLiveMissed has more come than is kept while nobody reads.
func TestLiveMissed(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("segment_pixel {\nrecent 3\n}", pixeltest.Silent(t))
	s.Get(pixeltest.Track("first"))
	reader := readLive(s, "source="+pixeltest.Source(t)+"&recent=false", "")
	last := s.Recent("source=" + pixeltest.Source(t))[0]
	reader.cancel()
	for i := range 10 {
		s.Get(pixeltest.Track(fmt.Sprint(i)))
	}
	readLive(s, "source="+pixeltest.Source(t), strconv.FormatUint(last.ID, 10)).Want("7", "8", "9")
}

// TestFailedReload loads a configuration that does not work: Caddy keeps its new admin
// endpoint all the same.
func TestFailedReload(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	before := readLive(s, "source="+pixeltest.Source(t), "")
	s.Get(pixeltest.Track("one"))
	before.Want("one")
	for i := range 2 {
		s.MoveAdmin()
		config := fmt.Sprintf(`{"admin":{"listen":%q,"config":{"persist":false}},"apps":{"http":{"servers":{"srv0":{
			"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"nosuch"}]}]}}}}}`, strings.TrimPrefix(s.Admin, "http://"))
		if err := caddy.Load([]byte(config), true); err == nil {
			t.Fatal("loaded")
		}
		if _, got, err := before.Next(); !errors.Is(err, errEndOfStream) {
			t.Errorf("the stream of the old endpoint goes on: %+v, %v", got, err)
		}
		after := readLive(s, "recent=false&source="+pixeltest.Source(t), "")
		s.Get(pixeltest.Track("two"))
		after.Want("two")
		if got := s.Metrics()[`caddy_segment_pixel_requests_total{outcome="accepted",reason="",source="`+pixeltest.Source(t)+`",type="track"}`]; got != float64(2+i) {
			t.Errorf("the metric is %v", got)
		}
		if status := s.Status(); !status.Ready || len(status.Handlers) != 1 {
			t.Errorf("got %+v", status)
		}
		before = after
	}
}

// readLive opens a stream of records.
func readLive(s *pixeltest.AdminSite, query, lastID string) *liveReader {
	s.T.Helper()
	ctx, cancel := context.WithCancel(s.T.Context())
	s.T.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Admin+"/segment_pixel/live?"+query, http.NoBody)
	if err != nil {
		s.T.Fatal(err)
	}
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { response.Body.Close() })
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		s.T.Fatalf("%s with %s", response.Status, got)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return &liveReader{t: s.T, lines: lines, cancel: cancel}
}

// TestLiveLeavesOut sends more than a person can read, all at once and to two clients:
// the first come, the rest is counted, and what a filter looks for is not lost among it.
func TestLiveLeavesOut(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("segment_pixel {\nrecent 10000\n}", pixeltest.Silent(t))
	mine := "recent=false&source=" + pixeltest.Source(t)
	all := []*liveReader{readLive(s, mine, ""), readLive(s, mine, "")}
	rare := readLive(s, mine+"&event=rare", "")
	const sent = 2000
	for i := range sent {
		if i == sent/2 {
			s.Get(pixeltest.Track("rare"))
		}
		s.Get(pixeltest.Track(fmt.Sprint(i)))
	}
	rare.Want("rare")
	for _, reader := range all {
		shown, missed := 0, 0
		for shown+missed < sent+1 {
			name, record, err := reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			if name == "missed" {
				missed += record.Missed
			} else {
				shown++
			}
		}
		if shown < 500 || missed == 0 || shown+missed != sent+1 {
			t.Errorf("%d shown and %d missed of %d", shown, missed, sent+1)
		}
	}
}
