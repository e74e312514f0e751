// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// adminSite is a site whose Caddy has an admin endpoint.
type adminSite struct {
	*site
	admin string // the URL of the endpoint, without a slash at the end
}

func newAdminSite(t *testing.T) *adminSite {
	t.Helper()
	s := &adminSite{site: newSite(t)}
	s.moveAdmin()
	t.Cleanup(func() {
		// Caddy keeps its admin endpoint when it stops. This one is told to go.
		if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true); err != nil {
			t.Errorf("closing the admin endpoint: %v", err)
		}
	})
	return s
}

// moveAdmin has the next configuration listen elsewhere for the endpoint.
func (s *adminSite) moveAdmin() {
	s.admin = "http://127.0.0.1:" + strconv.Itoa(freePort(s.t))
}

// moveSite does the same for the site.
func (s *adminSite) moveSite() {
	s.port = freePort(s.t)
	s.url = "http://127.0.0.1:" + strconv.Itoa(s.port)
}

// run loads a Caddyfile with this body of its site, and with these global options. A
// reload moves the site and the endpoint to other ports: a listener that closes in
// favour of another on the same port may reset what it has not accepted yet.
func (s *adminSite) run(options, body string) {
	s.t.Helper()
	s.moveSite()
	s.moveAdmin()
	s.runInPlace(options, body)
}

// runInPlace does the same without moving.
func (s *adminSite) runInPlace(options, body string) {
	s.t.Helper()
	config := parse(s.t, s.adapt("GLOBAL{"+options+"}GLOBALhttp://127.0.0.1:PORT {\n"+body+"\n}"))
	config["admin"] = map[string]any{"listen": strings.TrimPrefix(s.admin, "http://"), "config": map[string]any{"persist": false}}
	text, err := json.Marshal(config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.load(text)
}

// ask sends a request to the admin endpoint, and returns the status and the body.
func (s *adminSite) ask(method, path, body string) (int, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.admin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, text
}

// show asks for JSON that has to be there.
func (s *adminSite) show(path string, into any) {
	s.t.Helper()
	code, text := s.ask(http.MethodGet, path, "")
	if code != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, code, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("%s: %v in %s", path, err, text)
	}
}

// shown is what tests look at in a record.
type shown struct {
	ID      uint64
	Outcome string
	Reason  string
	Detail  string
	Hint    string
	Type    string
	Source  string
	Event   string
	Host    string
	Path    string
	Repairs []string
	Query   string
	Cut     bool
	Body    map[string]any

	MessageID      string  `json:"message_id"`
	DecodeUS       float64 `json:"decode_us"`
	AnswerUS       float64 `json:"answer_us"`
	UntrustedProxy bool    `json:"untrusted_proxy"`
}

func (s *adminSite) recent(query string) []shown {
	s.t.Helper()
	var answer struct{ Records []shown }
	s.show("/segment_pixel/recent?"+query, &answer)
	return answer.Records
}

// source names a source of this test alone: what the process counts and keeps
// outlives a test.
func source(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer("/", "_", "=", "_").Replace(t.Name())
}

// silent has a handler that takes the key k for a source of the test's own and
// discards what comes.
func silent(t *testing.T) string {
	t.Helper()
	return `segment_pixel {
		write_key k ` + source(t) + `
		sink writer discard
	}
	`
}

// unique is an event name that is in no other test.
func track(name string) string {
	return "/v1/pixel/track?writeKey=k&userId=u&messageId=" + url.QueryEscape("id of "+name) + "&event=" + url.QueryEscape(name)
}

func TestRecent(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	from := "source=" + source(t)
	s.get(track("Opened"), "Host", "pixels.example")
	s.get("/v1/pixel/page?"+data(`{"writeKey":"k","userId":7}`), "X-Forwarded-For", "192.0.2.1")
	s.get("/v1/pixel/track?" + data(`{"writeKey":"k","event":"e"}`))
	s.get("/v1/pixel/track?"+data(`{"writeKey":"k","event":"e"}`)+"&n=1", "Sec-GPC", "1")

	all := s.recent(from)
	if len(all) != 4 {
		t.Fatalf("got %+v", all)
	}
	opened := all[0]
	if opened.Outcome != "accepted" || opened.Type != "track" || opened.Event != "Opened" || opened.MessageID != "id of Opened" ||
		opened.Path != "/v1/pixel/track" || opened.Body["event"] != "Opened" || opened.Body["writeKey"] != nil || opened.Query != "" ||
		opened.DecodeUS <= 0 || opened.AnswerUS < opened.DecodeUS || opened.UntrustedProxy {
		t.Errorf("accepted: %+v", opened)
	}
	if repaired := all[1]; !slices.Equal(repaired.Repairs, []string{"number_id"}) || !repaired.UntrustedProxy {
		t.Errorf("repaired: %+v", repaired)
	}
	nobody := all[2]
	if nobody.Outcome != "rejected" || nobody.Reason != "no_identity" || nobody.Detail == "" || nobody.Hint == "" ||
		nobody.Query != data(`{"writeKey":"k","event":"e"}`) || nobody.Body != nil {
		t.Errorf("rejected: %+v", nobody)
	}
	if s.recent(from + "&redact&limit=4")[0].Event != "" {
		t.Error("redacted, the name of the event is shown")
	}
	for i := 1; i < len(all); i++ {
		if all[i].ID <= all[i-1].ID {
			t.Errorf("record %d has the id %d, the one before %d", i, all[i].ID, all[i-1].ID)
		}
	}

	for query, want := range map[string]int{
		"&type=track":                       3,
		"&type=PAGE":                        1,
		"&type=track,page":                  4,
		"&outcome=accepted":                 2,
		"&outcome=rejected":                 2,
		"&outcome=no_identity":              2,
		"&outcome=no_event":                 0,
		"&outcome=accepted&outcome=dropped": 2,
		"&reason=no_identity":               2,
		"&limit=3":                          3,
		"&outcome=rejected&type=page":       0,
	} {
		if got := s.recent(from + query); len(got) != want {
			t.Errorf("%s: %d records, want %d", query, len(got), want)
		}
	}
	if last := s.recent(from + "&limit=1"); last[0].ID != all[3].ID {
		t.Errorf("the last one is %+v", last)
	}
	for _, query := range []string{"type=click", "outcome=good", "reason=bad", "limit=0", "limit=x", "redact=perhaps"} {
		if code, text := s.ask(http.MethodGet, "/segment_pixel/recent?"+query, ""); code != http.StatusBadRequest || !strings.Contains(string(text), "write") && !strings.Contains(string(text), "see") {
			t.Errorf("%s: %d %s", query, code, text)
		}
	}
}

// TestRecentKeepsTheBadOnes has far more good pixels than are kept follow a bad one.
func TestRecentKeepsTheBadOnes(t *testing.T) {
	s := newAdminSite(t)
	s.run("segment_pixel {\nrecent 5\n}", silent(t))
	s.get("/v1/pixel/track?writeKey=k&userId=u")
	for i := range 12 {
		s.get(track(fmt.Sprint("good ", i)))
	}
	got := s.recent("source=" + source(t))
	if len(got) != 6 || got[0].Reason != "no_event" || got[1].Event != "good 7" || got[5].Event != "good 11" {
		t.Errorf("got %+v", got)
	}
	s.run("segment_pixel {\nrecent 2\n}", silent(t))
	if got = s.recent("source=" + source(t)); len(got) != 3 || got[1].Event != "good 10" {
		t.Errorf("after a reload with fewer: %+v", got)
	}
	s.run("segment_pixel {\nrecent off\n}", silent(t))
	s.get(track("unseen"))
	if got = s.recent(""); len(got) != 0 {
		t.Errorf("off: %+v", got)
	}
}

func TestRecentHidesPayloads(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	s.get("/v1/pixel/track?" + data(`{"writeKey":"k","userId":"SECRET","event":"e","properties":{"price":5,"list":["SECRET",true,null]}}`))
	s.get("/v1/pixel/track?writeKey=SECRET&userId=SECRET&cb=")
	redactedBody := `"properties":{"price":"(hidden)","list":["(hidden)","(hidden)",null]}`
	for query, want := range map[string]struct{ there, absent string }{
		"?":             {"SECRET", redactedBody},
		"?redact":       {redactedBody, "SECRET"},
		"?redact=true":  {`"query":"writeKey=(hidden)&userId=(hidden)&cb="`, "SECRET"},
		"?redact=false": {"SECRET", redactedBody},
	} {
		if _, text := s.ask(http.MethodGet, "/segment_pixel/recent"+query, ""); !strings.Contains(string(text), want.there) || strings.Contains(string(text), want.absent) {
			t.Errorf("%s: %s", query, text)
		}
	}
	s.run("segment_pixel {\npayloads redacted\n}", silent(t))
	if _, text := s.ask(http.MethodGet, "/segment_pixel/recent?redact=false", ""); !strings.Contains(string(text), redactedBody) || strings.Contains(string(text), "SECRET") {
		t.Errorf("redacted by the configuration: %s", text)
	}
	s.run("segment_pixel {\npayloads off\n}", silent(t))
	s.get(track("SECRETLY"))
	if _, text := s.ask(http.MethodGet, "/segment_pixel/recent", ""); strings.Contains(string(text), `"SECRET"`) || strings.Contains(string(text), `"body"`) || strings.Contains(string(text), `"query"`) {
		t.Errorf("off: %s", text)
	}
}

func TestRecentCutsPayloads(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	long := strings.Repeat("x", pixel.MaxRejectedQuery)
	s.get(track("long") + "&properties.x=" + long)
	s.get("/v1/pixel/track?writeKey=k&userId=u&properties.x=" + long)
	got := s.recent("source=" + source(t))
	if len(got) != 2 || !got[0].Cut || got[0].Body != nil || !got[1].Cut || len(got[1].Query) != pixel.MaxRejectedQuery {
		t.Errorf("got %+v", got)
	}
}

// liveReader reads server-sent events.
type liveReader struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (s *adminSite) live(query, lastID string) *liveReader {
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
	all := s.live(mine, "")
	all.want("one", "two")
	future := s.live(mine+"&recent=false", "")
	bad := s.live(mine+"&outcome=rejected", "")
	s.get(track("three"))
	s.get("/v1/pixel/track?writeKey=k&userId=u")
	three := all.want("three")
	future.want("three", "")
	if _, got, err := bad.next(); err != nil || got.Reason != "no_event" {
		t.Errorf("got %+v, %v", got, err)
	}
	// One who comes back goes on where he was.
	again := s.live(mine, strconv.FormatUint(three.ID, 10))
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
	s.live(mine+"&type=track&outcome=accepted", strconv.FormatUint(three.ID, 10)).want("four")
}

// TestLiveMissed has more come than is kept while nobody reads.
func TestLiveMissed(t *testing.T) {
	s := newAdminSite(t)
	s.run("segment_pixel {\nrecent 3\n}", silent(t))
	s.get(track("first"))
	reader := s.live("source="+source(t)+"&recent=false", "")
	last := s.recent("source=" + source(t))[0]
	reader.cancel()
	for i := range 10 {
		s.get(track(fmt.Sprint(i)))
	}
	s.live("source="+source(t), strconv.FormatUint(last.ID, 10)).want("7", "8", "9")
}

func TestAdminRefuses(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{http.MethodPost, "/segment_pixel/status", http.StatusMethodNotAllowed},
		{http.MethodGet, "/segment_pixel/explain", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/segment_pixel/recent", http.StatusMethodNotAllowed},
		{http.MethodGet, "/segment_pixel/nothing", http.StatusNotFound},
		{http.MethodGet, "/segment_pixel/live?type=click", http.StatusBadRequest},
		{http.MethodHead, "/segment_pixel/status", http.StatusOK},
		{http.MethodGet, "/segment_pixel/health/live", http.StatusOK},
	} {
		if code, text := s.ask(test.method, test.path, ""); code != test.code {
			t.Errorf("%s %s: %d %s", test.method, test.path, code, text)
		}
	}
}

// TestExplainOverAdmin has two handlers look at URLs.
func TestExplainOverAdmin(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t)+`segment_pixel {
		write_key other second
		path_prefix /second /v1/pixel
		sink writer discard
	}`)
	for _, test := range []struct {
		body, outcome, reason, source string
		handler                       int
	}{
		{"https://example.com/v1/pixel/page?" + data(page), "accepted", "", source(t), 0},
		{`{"url": "/v1/pixel/page?writeKey=other&userId=u"}`, "accepted", "", "second", 1},
		{"/second/page?writeKey=k&userId=u", "rejected", "unknown_write_key", "", 1},
		{"/v1/pixel/click?" + data(page), "rejected", "unknown_route", "", 0},
		{"/elsewhere?" + data(page), "rejected", "unknown_route", "", -1},
		{"writeKey=k&userId=u", "rejected", "no_event", source(t), 0},
	} {
		code, text := s.ask(http.MethodPost, "/segment_pixel/explain", test.body)
		var got struct {
			Outcome, Reason, Hint, Source string
			Handler                       int
			Steps                         []struct{ Step string }
		}
		if err := json.Unmarshal(text, &got); err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d, %v in %s", test.body, code, err, text)
		}
		if got.Outcome != test.outcome || got.Reason != test.reason || got.Source != test.source || got.Handler != test.handler ||
			len(got.Steps) == 0 || (got.Hint == "") != (test.reason == "") {
			t.Errorf("%s: %s", test.body, text)
		}
		if strings.Contains(string(text), `"other"`) {
			t.Errorf("the answer holds a write key: %s", text)
		}
	}
	for _, body := range []string{"", " ", strings.Repeat("a", 1<<20+1), "HEAD /v1/pixel/page HTTP/1.1"} {
		if code, text := s.ask(http.MethodPost, "/segment_pixel/explain", body); code != http.StatusBadRequest {
			t.Errorf("%.20s: %d %s", body, code, text)
		}
	}
	if got := s.recent("source=" + source(t)); len(got) != 0 {
		t.Errorf("explaining makes records: %+v", got)
	}
}

func TestPage(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	response, err := http.Get(s.admin + "/segment_pixel/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" || !bytes.Contains(text, []byte("<!DOCTYPE html>")) {
		t.Errorf("got %s: %.100s", got, text)
	}
	policy := response.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || strings.Count(policy, "sha256-") != 2 {
		t.Errorf("the policy is %s", policy)
	}
	for _, element := range []string{"\n<script", "\n<style", "\n</script", "\n</style"} {
		if bytes.Count(text, []byte(element)) != 1 {
			t.Errorf("the page has not one %s, and the policy no other", strings.TrimSpace(element))
		}
	}
}

// statusAnswer is what tests look at in a status.
type statusAnswer struct {
	Version, Caddy string
	Ready          bool
	Problems       []string
	Outcomes       struct {
		Accepted, Dropped, Failed uint64
		Rejected                  map[string]uint64
	}
	Repairs        map[string]uint64
	UntrustedProxy uint64 `json:"untrusted_proxy"`
	Handlers       []struct {
		PathPrefixes []string `json:"path_prefixes"`
		Sources      []string
		MaxEventSize int    `json:"max_event_size"`
		ClientIP     string `json:"client_ip"`
		Problems     []string
		Sinks        []struct {
			Sink, Server, Subject, NATS string
			Ready                       bool
			Connected                   *bool
			Problems                    []string
			Stream                      *struct {
				Names, Findings []string
				Batched         bool
			}
			Spool *struct {
				Dir                     string
				Open, Full              bool
				Events, Bytes, Capacity uint64
				OldestSeconds           float64 `json:"oldest_seconds"`
				Waiting, Failing        string
			}
			Counts *struct {
				Published, Acked, Retried uint64
				Dropped                   map[string]uint64
			}
		}
	}
}

func (s *adminSite) status() statusAnswer {
	s.t.Helper()
	var answer statusAnswer
	s.show("/segment_pixel/status", &answer)
	return answer
}

func TestStatus(t *testing.T) {
	s := newAdminSite(t)
	s.run("", `segment_pixel {
		write_key secret-a b
		write_key secret-b a
		write_key secret-c a
		path_prefix /one /two
		max_event_size 1KiB
		client_ip off
		sink writer discard
	}
	`+silent(t))
	before := s.status()
	if before.Version == "" || before.Caddy == "" || !before.Ready || len(before.Problems) != 0 || len(before.Handlers) != 2 {
		t.Fatalf("got %+v", before)
	}
	h := before.Handlers[0]
	if !slices.Equal(h.PathPrefixes, []string{"/one", "/two"}) || !slices.Equal(h.Sources, []string{"a", "b"}) || h.MaxEventSize != 1024 || h.ClientIP != "off" ||
		len(h.Sinks) != 1 || h.Sinks[0].Sink != "writer" || !h.Sinks[0].Ready {
		t.Errorf("got %+v", h)
	}
	s.get(track("e"))
	s.get("/v1/pixel/page?" + data(`{"writeKey":"k","userId":7}`))
	s.get("/v1/pixel/page?" + data(`{"writeKey":"other","userId":7}`))
	s.do(http.MethodHead, "/v1/pixel/page")
	after := s.status()
	if after.Outcomes.Accepted != before.Outcomes.Accepted+2 || after.Repairs["number_id"] != before.Repairs["number_id"]+1 ||
		after.Outcomes.Rejected["unknown_write_key"] != before.Outcomes.Rejected["unknown_write_key"]+1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if _, text := s.ask(http.MethodGet, "/segment_pixel/status", ""); strings.Contains(string(text), "secret") {
		t.Errorf("the status holds a write key: %s", text)
	}
}

// TestStatusOfDrops has a sink fail, and looks at every surface.
func TestStatusOfDrops(t *testing.T) {
	s := newAdminSite(t)
	fail := true
	hook(t, func(context.Context, *pixel.Event) error {
		if fail {
			return errors.New("out of paper")
		}
		return nil
	})
	s.run("", `segment_pixel {
		write_key k `+source(t)+`
		sink hook `+t.Name()+`
	}`)
	before := s.status()
	if code, text := s.ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != http.StatusOK {
		t.Errorf("ready: %d %s", code, text)
	}
	s.get(track("e"))
	after := s.status()
	if after.Ready || after.Outcomes.Dropped != before.Outcomes.Dropped+1 || len(after.Problems) != 1 || !strings.Contains(after.Problems[0], "out of paper") {
		t.Errorf("got %+v", after)
	}
	if code, text := s.ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != http.StatusServiceUnavailable || !strings.Contains(string(text), "out of paper") {
		t.Errorf("ready: %d %s", code, text)
	}
	if got := s.recent("source=" + source(t)); len(got) != 1 || got[0].Outcome != "dropped" || got[0].Detail != "hook: other" || got[0].Body["event"] != "e" {
		t.Errorf("recent: %+v", got)
	}
	if got := s.metrics()[`caddy_segment_pixel_requests_total{outcome="dropped",reason="",source="`+source(t)+`",type="track"}`]; got != 1 {
		t.Errorf("the metric is %v", got)
	}
}

// TestStatusOfRefusedEvents has a sink refuse single events for what they are, which
// says nothing about the sink.
func TestStatusOfRefusedEvents(t *testing.T) {
	s := newAdminSite(t)
	hook(t, func(_ context.Context, event *pixel.Event) error {
		if event.Name == "large" {
			return nats.ErrMaxPayload
		}
		return nil
	})
	s.run("", `segment_pixel {
		write_key k `+source(t)+`
		sink hook `+t.Name()+`
	}`)
	for _, name := range []string{"large", "small", "large", "large"} {
		s.get(track(name))
		if code, text := s.ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != http.StatusOK {
			t.Errorf("after a %s one: %d %s", name, code, text)
		}
	}
	if logged := s.logged("the sink does not take"); len(logged) != 1 || !strings.Contains(logged[0]["msg"].(string), "not logged again for a minute") {
		t.Errorf("logged %v", logged)
	}
	if got := s.recent("outcome=dropped&source=" + source(t)); len(got) != 3 || got[0].Detail != "hook: too_large" {
		t.Errorf("recent: %+v", got)
	}
}

// TestFailedReload loads a configuration that does not work: Caddy keeps its new admin
// endpoint all the same.
func TestFailedReload(t *testing.T) {
	s := newAdminSite(t)
	s.run("", silent(t))
	before := s.live("source="+source(t), "")
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
		after := s.live("recent=false&source="+source(t), "")
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

// metrics scrapes the admin endpoint.
func (s *adminSite) metrics() map[string]float64 {
	s.t.Helper()
	code, text := s.ask(http.MethodGet, "/metrics", "")
	if code != http.StatusOK {
		s.t.Fatalf("metrics: %d %s", code, text)
	}
	values := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		values[line[:end]] = value
	}
	return values
}

// TestMetrics scrapes with several handlers and across reloads.
func TestMetrics(t *testing.T) {
	s := newAdminSite(t)
	sites := silent(t) + `
	segment_pixel {
		write_key k second
		path_prefix /second
		sink writer discard
	}`
	s.run("", sites)
	before := s.metrics()
	s.get(track("e"), "X-Forwarded-For", "192.0.2.1")
	s.get("/v1/pixel/page?" + data(`{"writeKey":"k","userId":7}`))
	s.get("/v1/pixel/page?" + data(`{"writeKey":"k"}`))
	s.get("/v1/pixel/click?" + data(page))
	s.get("/second/page?" + data(page))
	s.run("segment_pixel", sites)
	s.get(track("e"))
	after := s.metrics()
	requests := func(outcome, reason, source, typ string) string {
		return fmt.Sprintf("caddy_segment_pixel_requests_total{outcome=%q,reason=%q,source=%q,type=%q}", outcome, reason, source, typ)
	}
	for name, grown := range map[string]float64{
		requests("accepted", "", source(t), "track"):              2,
		requests("accepted", "", source(t), "page"):               1,
		requests("accepted", "", "second", "page"):                1,
		requests("rejected", "no_identity", source(t), "page"):    1,
		requests("rejected", "unknown_route", "", ""):             1,
		`caddy_segment_pixel_repairs_total{repair="number_id"}`:   1,
		"caddy_segment_pixel_untrusted_proxy_requests_total":      1,
		"caddy_segment_pixel_decode_seconds_count":                6,
		"caddy_segment_pixel_answer_seconds_count":                6,
		`caddy_segment_pixel_answer_seconds_bucket{le="+Inf"}`:    6,
		requests("rejected", "unknown_write_key", "", "identify"): 0,
	} {
		if got := after[name] - before[name]; got != grown {
			t.Errorf("%s has grown by %v, want %v", name, got, grown)
		}
	}
}
