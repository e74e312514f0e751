// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestTroubleshooting brings about each fault of docs/troubleshooting.md, and has the
// surfaces tell it in the words of its section.
func TestTroubleshooting(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	faults := []func(*fault){
		wrongKey, cutOff, manglesPlus, nobody, natsDown, noStream, streamFull, expired, diskFails, proxied, constantID,
	}
	sections := regexp.MustCompile(`(?m)^## ([0-9]+) (.*)$`).FindAllSubmatchIndex(text, -1)
	if len(sections) != len(faults) {
		t.Fatalf("%d sections, %d faults", len(sections), len(faults))
	}
	for i, at := range sections {
		end := len(text)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		if number := string(text[at[2]:at[3]]); number != fmt.Sprint(i+1) {
			t.Errorf("section %d has the number %s", i+1, number)
		}
		name := regexp.MustCompile(`\W+`).ReplaceAllString(string(text[at[2]:at[5]]), "_")
		t.Run(name, func(t *testing.T) {
			t.Cleanup(forgetEvents)
			faults[i](&fault{AdminSite: pixeltest.NewAdminSite(t), section: string(text[at[0]:end])})
		})
	}
}

// forgetEvents leaves none to the next test.
func forgetEvents() {
	for len(pixeltest.Captured) > 0 {
		<-pixeltest.Captured
	}
}

// rejects sends a pixel, and has all surfaces tell why it is rejected.
func (f *fault) rejects(target, reason, detail, hint string) {
	f.T.Helper()
	_, query, _ := strings.Cut(target, "?")
	rejections := func() (n float64) {
		for series, value := range f.Metrics() {
			if strings.HasPrefix(series, `caddy_segment_pixel_requests_total{outcome="rejected",reason="`+reason+`",`) {
				n += value
			}
		}
		return n
	}
	before := rejections()
	f.Get(target)
	if got := rejections() - before; got != 1 {
		f.T.Errorf("%v rejections are counted for %s", got, reason)
	}
	got := f.Recent("limit=1&reason=" + reason)
	if len(got) != 1 || got[0].Query != query {
		f.T.Fatalf("recent: %+v", got)
	}
	f.tells("recent", got[0].Detail+"\n"+got[0].Hint, detail)
	if !strings.Contains(got[0].Hint, hint) {
		f.T.Errorf("the hint is %q", got[0].Hint)
	}
	if lines := f.Logged("rejected a pixel"); len(lines) != 1 || lines[0]["reason"] != reason || lines[0]["detail"] != got[0].Detail {
		f.T.Errorf("logged %v", lines)
	}
	lines, _ := pixeltest.StartCommand(f.T, command.NewTail(), "--address", strings.TrimPrefix(f.Admin, "http://"), "--outcome", reason)
	f.tells("tail", pixeltest.Receive(f.T, lines), reason+": ")
	f.explanation(target).Want(4, "FAILED", "rejected: "+reason+": "+detail)
}

func wrongKey(f *fault) {
	f.Run("", pixeltest.Silent(f.T))
	f.Get(pixeltest.Track("before"))
	f.rejects("/v1/pixel/track?writeKey=another&userId=u&event=e", "unknown_write_key", "no source has this write key", "letter case and spaces count")
	f.becomes(true)
}

func cutOff(f *fault) {
	f.Run("", pixeltest.Silent(f.T))
	whole := pixeltest.Data(`{"writeKey":"k","userId":"u","event":"e","properties":{"subject":"The Electric Daily"}}`)
	f.rejects("/v1/pixel/track?"+whole[:len("data=")+84], "truncated", "the JSON ends early, after", "Keep the URL under 2,000 characters")
}

// plusSigns is base64 with plus signs in it, in the standard alphabet.
const plusSigns = `{"writeKey":"k","userId":"u","event":"e","properties":{"subject":"Größe ~~> ~~> ~~> ~~>"}}`

func manglesPlus(f *fault) {
	f.Run("", pixeltest.Silent(f.T))
	text := base64.StdEncoding.EncodeToString([]byte(plusSigns))
	if !strings.Contains(text, "+") {
		f.T.Fatal("there is nothing to be mangled")
	}
	const repairs = `caddy_segment_pixel_repairs_total{repair="base64"}`
	before := f.Metrics()[repairs]
	spaces := "/v1/pixel/track?data=" + strings.ReplaceAll(text, "+", "%20")
	f.Get(spaces)
	got := f.Recent("limit=1&source=" + pixeltest.Source(f.T))
	if len(got) != 1 || got[0].Outcome != "accepted" || !slices.Equal(got[0].Repairs, []string{"base64"}) || got[0].Event != "e" {
		f.T.Errorf("repaired: %+v", got)
	}
	if n := f.Metrics()[repairs] - before; n != 1 {
		f.T.Errorf("%v repairs are counted", n)
	}
	f.tells("a metric", repairs, repairs)
	f.explains(spaces, "read as plus signs", "mended: base64: The base64 text lost plus signs")

	f.rejects("/v1/pixel/track?data="+strings.ReplaceAll(text, "+", ""), "not_utf8", "invalid UTF-8 at byte", "plus signs were cut out of the base64")
}

func nobody(f *fault) {
	f.Run("", pixeltest.Silent(f.T))
	const target = "/v1/pixel/track?writeKey=k&userId=&event=e"
	ofSource := `caddy_segment_pixel_requests_total{outcome="rejected",reason="no_identity",source="` + pixeltest.Source(f.T) + `",type="track"}`
	before := f.Metrics()[ofSource]
	f.rejects(target, "no_identity", "neither userId nor anonymousId", "a merge tag that found nothing for this recipient")
	f.explains(target, "ignored: userId (empty, which means")
	if n := f.Metrics()[ofSource] - before; n != 1 {
		f.T.Errorf("%v rejections are counted for the source", n)
	}
}

func natsDown(f *fault) {
	b := pixeltest.StartNATS(f.T, -1)
	b.CreateStream()
	nats := b.Server.ClientURL()
	f.deliver(nats, "")
	f.Get(pixeltest.Track("one"))
	b.Await(1)
	b.Server.Shutdown()
	b.Server.WaitForShutdown()
	f.Get(pixeltest.Track("two"))

	f.becomes(true, "NATS is not connected (", "events wait in the spool: NATS is not connected")
	f.doctor(5, "it cannot be reached: dial tcp", "check that NATS runs and that it can be reached")
	f.counts("caddy_segment_pixel_sink_connected", nats, 0)
	f.counts("caddy_segment_pixel_spool_events", f.Dir, 1)
	f.logs("disconnected from NATS, reconnecting")
	f.emits("segment_pixel_nats_disconnected")
	f.logs("events wait in the spool until they can be delivered")
	f.emits("segment_pixel_delivery_waits")

	port, err := strconv.Atoi(nats[strings.LastIndexByte(nats, ':')+1:])
	if err != nil {
		f.T.Fatal(err)
	}
	again := pixeltest.StartNATS(f.T, port)
	again.CreateStream()
	again.Await(1)
	f.resumes()
}

func noStream(f *fault) {
	b := pixeltest.StartNATS(f.T, -1)
	f.deliver(b.Server.ClientURL(), "")
	f.Get(pixeltest.Track("one"))

	f.becomes(true, "no stream covers the subject segment.events.*.*: create one", "events wait in the spool: no stream takes the subject")
	f.doctor(5, "problem  stream: no stream covers the subject", "-> nats stream add SEGMENT --subjects 'segment.events.*.*'", " waiting events: ")
	f.counts("caddy_segment_pixel_sink_connected", b.Server.ClientURL(), 1)
	f.logs("the stream is not as it should be")
	f.emits("segment_pixel_delivery_waits")

	b.CreateStream()
	b.Await(1)
	f.resumes()
	f.becomes(true)
	f.emits("segment_pixel_stream_findings")
}

func streamFull(f *fault) {
	b := pixeltest.StartNATS(f.T, -1)
	config := jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, Discard: jetstream.DiscardNew,
		Duplicates: 5 * time.Minute, AllowBatchPublish: true, MaxMsgs: 2,
	}
	if _, err := b.Js.CreateStream(f.T.Context(), config); err != nil {
		f.T.Fatal(err)
	}
	f.deliver(b.Server.ClientURL(), "")
	for range 3 {
		f.Get("/v1/pixel/track?writeKey=k&userId=u&event=e")
	}
	f.becomes(true, "events wait in the spool: the stream is full: raise its limits or remove old messages")
	f.doctor(5, "problem  room: SEGMENT is full, with 2 of 2 messages", "-> raise its limits (nats stream edit --force SEGMENT)")
	f.counts("caddy_segment_pixel_sink_connected", b.Server.ClientURL(), 1)

	config.MaxMsgs = 100
	if _, err := b.Js.UpdateStream(f.T.Context(), config); err != nil {
		f.T.Fatal(err)
	}
	b.Await(3)
	f.becomes(true)
}

func expired(f *fault) {
	file := filepath.Join(f.Dir, "pixel.creds")
	s, issuer := startOperatorNATS(f.T, file)
	issuer.write(5 * time.Second)
	f.deliver(s.ClientURL(), "creds "+file)
	f.counts("caddy_segment_pixel_sink_connected", s.ClientURL(), 1)
	f.becomes(true, "NATS is not connected (nats: authorization violation): NATS refuses the login: the user in the file ")
	f.doctor(5, "problem  user JWT: it expired on ", "it refuses the login: nats: Authorization Violation",
		"a renewed file in its place is used at the next attempt, without a reload")
	f.counts("caddy_segment_pixel_sink_connected", s.ClientURL(), 0)
	f.logs("NATS ends the connection")
	f.emits("segment_pixel_nats_disconnected")

	issuer.write(time.Hour)
	f.counts("caddy_segment_pixel_sink_connected", s.ClientURL(), 1)
}

// diskFails takes the spool's disk away, which a root user notices as well, and then
// NATS: where the spool was is a link to nothing.
func diskFails(f *fault) {
	b := pixeltest.StartNATS(f.T, -1)
	b.CreateStream()
	f.deliver(b.Server.ClientURL(), "")
	dir := filepath.Join(f.Dir, "spool")
	if err := os.Rename(dir, dir+".gone"); err != nil {
		f.T.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(f.Dir, "away", "spool"), dir); err != nil {
		f.T.Fatal(err)
	}
	f.becomes(true, "cannot be written (")
	f.counts("caddy_segment_pixel_spool_failing", dir, 1)
	f.logs("the spool cannot be written; check the disk's free space, health and permissions: events are not safe until then")
	f.emits("segment_pixel_spool_trouble")
	f.Get(pixeltest.Track("goes to NATS"))
	b.Await(1)

	b.Server.Shutdown()
	b.Server.WaitForShutdown()
	f.Get(pixeltest.Track("lost"))
	f.becomes(false, "NATS is not connected (", "cannot be written (", "events are answered and dropped, ")
	f.doctor(5, "cannot be written (")
	f.counts("caddy_segment_pixel_sink_dropped_total", `cause="spool_failing",server="`+b.Server.ClientURL(), 1)
	f.logs("the sink does not take events: they are answered and dropped until it does")
	f.emits("segment_pixel_sink_down")
	got := f.Recent("outcome=dropped&limit=1")
	if len(got) != 1 || got[0].Event != "lost" {
		f.T.Fatalf("recent: %+v", got)
	}
	f.tells("recent", got[0].Detail, "jetstream: spool_failing")

	if err := os.Remove(dir); err != nil {
		f.T.Fatal(err)
	}
	pixeltest.Eventually(f.T, "the spool takes events again", func() bool {
		f.Get(pixeltest.Track("kept"))
		return len(f.Logged("the spool takes events again")) > 0
	})
}

func proxied(f *fault) {
	f.Run("", pixeltest.Silent(f.T))
	before := f.Status().UntrustedProxy
	for i := range 12 {
		f.Get(pixeltest.Track(fmt.Sprint("proxied ", i)), "X-Forwarded-For", "203.0.113.9")
	}
	f.becomes(true, "12 of 12 requests came through a proxy that trusted_proxies does not name: context.ip is the address of the proxy")
	f.doctor(0, "warning  client IP: 12 of 12 requests came through a proxy that trusted_proxies does not name")
	if n := f.Metrics()["caddy_segment_pixel_untrusted_proxy_requests_total"] - float64(before); n != 12 {
		f.T.Errorf("%v requests are counted", n)
	}
	f.logs("most requests come through a proxy that trusted_proxies does not name")
	lines, _ := pixeltest.StartCommand(f.T, command.NewTail(), "--address", strings.TrimPrefix(f.Admin, "http://"), "--source", pixeltest.Source(f.T))
	f.tells("tail", pixeltest.Receive(f.T, lines), " untrusted proxy")

	f.Run("servers {\ntrusted_proxies static private_ranges\n}", pixeltest.Silent(f.T))
	f.Get(pixeltest.Track("trusted"), "X-Forwarded-For", "203.0.113.9")
	f.becomes(true)
	got := f.Recent("limit=1&source=" + pixeltest.Source(f.T))
	if ip := got[0].Body["context"].(map[string]any)["ip"]; got[0].UntrustedProxy || ip != "203.0.113.0" {
		f.T.Errorf("the address is %v: %+v", ip, got[0])
	}
}

// constantID has a template with a constant messageId, which is opened by five readers,
// and by each of them three times.
func constantID(f *fault) {
	b := pixeltest.StartNATS(f.T, -1)
	b.CreateStream()
	name := pixeltest.Source(f.T)
	f.Run("", `segment_pixel {
		write_key k `+name+`
		sink jetstream `+b.Server.ClientURL()+` {
			spool DIR/spool
		}
	}`)
	const readers, opens = 5, 3
	for range opens {
		for reader := range readers {
			f.Get(fmt.Sprintf("/v1/pixel/track?writeKey=k&userId=reader-%d&event=Email+Opened&messageId=welcome", reader))
		}
	}
	// One of each reader's is stored: none suppresses that of another.
	pixeltest.Eventually(f.T, "all is acknowledged", func() bool {
		return f.Status().Handlers[0].Sinks[0].Spool.Events == 0
	})
	if stored := b.Await(readers); len(stored) != readers {
		f.T.Errorf("%d events are stored, want one of each of %d readers", len(stored), readers)
	}
	const found, remedy = "sent the same messageId again, 14 times in the last hour", "leave it out of the template, or make it unique"
	_, status := f.Ask(http.MethodGet, "/segment_pixel/status", "")
	f.tells("the status", string(status), found+": "+remedy)
	f.doctor(0, found, remedy)
	if n := f.Metrics()[`caddy_segment_pixel_repeated_message_ids_total{source="`+name+`"}`]; n != readers*opens-1 {
		f.T.Errorf("%v repeats are counted", n)
	}
	f.tells("the metrics", "caddy_segment_pixel_repeated_message_ids_total", "caddy_segment_pixel_repeated_message_ids_total")
}
