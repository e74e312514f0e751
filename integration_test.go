// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// toFile is a handler whose events can be read from DIR/events.
const toFile = `
	segment_pixel {
		write_key YOUR_WRITE_KEY docs
		write_key k web
		sink writer file DIR/events {
			roll_disabled
		}
	}
	respond "next"
`

func TestRoutes(t *testing.T) {
	s := pixeltest.NewSite(t)
	s.Run(toFile)
	const q = "?writeKey=k&userId=u&groupId=g&previousId=p&event=e"
	tests := []struct {
		method, path string
		status       int
		body         string
		outcome      string // of the event; empty: none
	}{
		{"GET", "/v1/pixel/identify" + q, 200, pixel.GIF, "identify"},
		{"GET", "/v1/pixel/group" + q, 200, pixel.GIF, "group"},
		{"GET", "/v1/pixel/alias" + q, 200, pixel.GIF, "alias"},
		{"GET", "/v1/pixel/page" + q, 200, pixel.GIF, "page"},
		{"GET", "/v1/pixel/screen" + q, 200, pixel.GIF, "screen"},
		{"GET", "/v1/pixel/track" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/TRACK" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/Track/" + q, 200, pixel.GIF, "track"},
		{"GET", "//v1//pixel/track" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/%74rack" + q, 200, pixel.GIF, "track"},

		{"GET", "/v1/pixel/track.gif" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/Track.PNG/" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/page.jpg;jsessionid=1" + q, 200, pixel.GIF, "page"},
		{"GET", "/v1/pixel/page.jpeg" + q, 200, pixel.GIF, "page"},
		{"GET", "/v1/pixel/track;jsessionid=1.gif" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/track/;jsessionid=1" + q, 200, pixel.GIF, "track"},
		{"GET", "/v1/pixel/track;a=1;b=2/" + q, 200, pixel.GIF, "track"},

		{"GET", "/v1/pixel/track.webp" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/track.gif.gif" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/.gif" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/track;a=1/x" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/track//" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/track/x" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/x" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel" + q, 200, pixel.GIF, "unknown_route"},
		{"GET", "/v1/pixel/track", 200, pixel.GIF, "no_data"},
		{"POST", "/v1/pixel/track" + q, 200, pixel.GIF, "method"},
		{"PUT", "/v1/pixel/x", 200, pixel.GIF, "method"},
		{"DELETE", "/v1/pixel/track" + q, 200, pixel.GIF, "method"},

		{"HEAD", "/v1/pixel/track" + q, 200, "", ""},
		{"HEAD", "/v1/pixel/x", 200, "", ""},
		{"OPTIONS", "/v1/pixel/track" + q, 204, "", ""},

		{"GET", "/", 200, "next", ""},
		{"GET", "/v1" + q, 200, "next", ""},
		{"GET", "/v1/pixels/track" + q, 200, "next", ""},
		{"GET", "/V1/pixel/track" + q, 200, "next", ""},
		{"GET", "/x/v1/pixel/track" + q, 200, "next", ""},
		{"POST", "/v1/", 200, "next", ""},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			events, rejections := len(s.Lines("events")), len(s.Rejected())
			response, body := s.Do(test.method, test.path)
			if response.StatusCode != test.status || body != test.body {
				t.Errorf("got %s with %q", response.Status, body)
			}
			var got string
			for _, event := range s.Lines("events")[events:] {
				got += event["type"].(string)
			}
			for _, reason := range s.Rejected()[rejections:] {
				got += reason
			}
			if got != test.outcome {
				t.Errorf("outcome %q, want %q", got, test.outcome)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	want := http.Header{
		"Content-Type":                 {"image/gif"},
		"Content-Length":               {"43"},
		"Cache-Control":                {"no-cache, no-store, must-revalidate, max-age=0, private"},
		"Cross-Origin-Resource-Policy": {"cross-origin"},
		"Access-Control-Allow-Origin":  {"*"},
		"Server":                       {"Caddy"},
	}
	s := pixeltest.NewSite(t)
	s.Run("encode\n" + toFile)
	for _, method := range []string{"GET", "HEAD", "POST"} {
		response, _ := s.Do(method, "/v1/pixel/page?"+pixeltest.Data(pixeltest.Page), "Accept-Encoding", "gzip", "Origin", "https://example.com", "Cookie", "a=b")
		response.Header.Del("Date")
		if !equalHeaders(response.Header, want) {
			t.Errorf("%s: got %v", method, response.Header)
		}
	}
	response, _ := s.Do("OPTIONS", "/v1/pixel/page", "Origin", "https://example.com", "Access-Control-Request-Method", "GET")
	for name, value := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
		"Access-Control-Allow-Headers": "*",
	} {
		if got := response.Header.Get(name); got != value {
			t.Errorf("OPTIONS: %s is %q, want %q", name, got, value)
		}
	}
}

func equalHeaders(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if !slices.Equal(a[name], b[name]) {
			return false
		}
	}
	return true
}

// TestHeaderDirective changes the answer for some requests and looks whether the
// others stay as they are: Caddy edits header values in place.
func TestHeaderDirective(t *testing.T) {
	s := pixeltest.NewSite(t)
	s.Run(`
		@odd query odd=1
		header @odd {
			>Cache-Control private public
			>Cross-Origin-Resource-Policy same-site
			defer
		}
	` + toFile)
	for range 2 {
		response, _ := s.Do("GET", "/v1/pixel/page?odd=1&"+pixeltest.Data(pixeltest.Page))
		if got := response.Header.Get("Cache-Control"); got != "no-cache, no-store, must-revalidate, max-age=0, public" {
			t.Errorf("changed: got %q", got)
		}
		if got := response.Header.Get("Cross-Origin-Resource-Policy"); got != "same-site" {
			t.Errorf("changed: got %q", got)
		}
		response, _ = s.Do("GET", "/v1/pixel/page?"+pixeltest.Data(pixeltest.Page))
		if got := response.Header.Get("Cache-Control"); got != "no-cache, no-store, must-revalidate, max-age=0, private" {
			t.Errorf("unchanged: got %q", got)
		}
	}
}

// TestPlaces puts the directive wherever a Caddyfile can have it.
func TestPlaces(t *testing.T) {
	const body = ` {
		write_key k web
		sink writer file DIR/events
		%s
	}
	`
	directive := func(option string) string { return "segment_pixel" + strings.Replace(body, "%s", option, 1) }
	tests := map[string]struct{ site, pixel, other string }{
		"no matcher, behind everything": {"respond next\n" + directive(""), "/v1/pixel/page", "/other"},
		"catch-all handle":              {"handle {\nrespond next\n}\n" + directive(""), "/v1/pixel/page", "/other"},
		"matcher":                       {"segment_pixel /v1/*" + strings.Replace(body, "%s", "", 1) + "respond next", "/v1/pixel/page", "/v2/pixel/page"},
		"handle":                        {"handle /v1/* {\n" + directive("") + "}\nrespond next", "/v1/pixel/page", "/other"},
		"handle_path":                   {"handle_path /t/* {\n" + directive("path_prefix /") + "}\nrespond next", "/t/page", "/other"},
		"handle_path, longer":           {"handle_path /t/* {\n" + directive("path_prefix /p") + "}\nrespond next", "/t/p/page", "/p/page"},
		"own prefixes":                  {directive("path_prefix /a /b/\npath_prefix /c/d") + "respond next", "/c/d/page", "/v1/pixel/page"},
		"single-page application":       {directive("") + "root DIR\ntry_files {path} /next\nfile_server", "/v1/pixel/page", "/other"},
		"redirect":                      {directive("") + "redir /v1/* /elsewhere\nrespond next", "/v1/pixel/page", "/other"},
		"basic_auth":                    {directive("") + "basic_auth /v1/* {\nu $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n}\nrespond next", "/v1/pixel/page", "/other"},
		"handle_path beside try_files":  {"handle_path /t/* {\n" + directive("path_prefix /") + "}\nhandle {\nroot DIR\ntry_files {path} /next\nfile_server\n}", "/t/page", "/other"},
		"file server":                   {directive("") + "root DIR\nfile_server", "/v1/pixel/page", "/next"},
		"reverse proxy":                 {directive("") + "reverse_proxy 127.0.0.1:PORT {\nrewrite /looped\nheader_up X-Looped 1\n}\n@looped path /looped\nrespond @looped next", "/v1/pixel/page", "/other"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := pixeltest.NewSite(t)
			if err := os.WriteFile(filepath.Join(s.Dir, "next"), []byte("next"), 0o600); err != nil {
				t.Fatal(err)
			}
			s.Run(test.site)
			s.Get(test.pixel + "?" + pixeltest.Data(pixeltest.Page))
			if n := len(s.Lines("events")); n != 1 {
				t.Errorf("%d events, want 1", n)
			}
			if _, body := s.Do("GET", test.other); body != "next" {
				t.Errorf("%s: got %q", test.other, body)
			}
		})
	}
}

// TestSeveralSites gives two sites and two handlers of one site keys and sinks of
// their own.
func TestSeveralSites(t *testing.T) {
	s := pixeltest.NewSite(t)
	s.Load(s.Adapt(`
		http://127.0.0.1:PORT {
			segment_pixel {
				write_key a site_a
				sink writer file DIR/a
				sink writer file DIR/all
			}
			segment_pixel {
				path_prefix /b
				write_key b site_b
				sink writer file DIR/b
				sink writer file DIR/all
			}
		}
		http://localhost:PORT {
			segment_pixel {
				write_key c site_c
				sink writer file DIR/c
			}
		}
	`))
	s.Get("/v1/pixel/page?userId=u&writeKey=a")
	s.Get("/b/page?userId=u&writeKey=b")
	s.Get("/b/page?userId=u&writeKey=a")
	s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	s.Get("/v1/pixel/page?userId=u&writeKey=c")
	s.Get("/v1/pixel/page?userId=u&writeKey=a")
	for file, want := range map[string]int{"a": 1, "b": 1, "c": 1, "all": 2} {
		if n := len(s.Lines(file)); n != want {
			t.Errorf("%s: %d events, want %d", file, n, want)
		}
	}
	if got := s.Rejected(); !slices.Equal(got, []string{"unknown_write_key", "unknown_write_key"}) {
		t.Errorf("rejected %v", got)
	}
}

func TestClientFacts(t *testing.T) {
	proxied := []string{"X-Forwarded-For", "203.0.113.77", "User-Agent", "Agent/1", "Referer", "https://example.com/mail", "Cookie", "secret=1", "Authorization", "Bearer secret"}
	tests := map[string]struct{ option, ip string }{
		"mask":    {"", "203.0.113.0"},
		"full":    {"client_ip full", "203.0.113.77"},
		"off":     {"client_ip off", ""},
		"ip_mask": {"ip_mask 16 32", "203.0.0.0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := pixeltest.NewSite(t)
			s.Load(s.Adapt(`GLOBAL{
				servers {
					trusted_proxies static private_ranges
				}
			}GLOBAL
			http://127.0.0.1:PORT {
				segment_pixel {
					write_key k web
					sink writer file DIR/events
					` + test.option + `
				}
			}`))
			s.Get("/v1/pixel/page?"+pixeltest.Data(pixeltest.Page), proxied...)
			context := s.Lines("events")[0]["context"].(map[string]any)
			if ip, _ := context["ip"].(string); ip != test.ip {
				t.Errorf("ip %q, want %q", ip, test.ip)
			}
			if context["userAgent"] != "Agent/1" || context["page"].(map[string]any)["url"] != "https://example.com/mail" {
				t.Errorf("context %v", context)
			}
			content, err := os.ReadFile(filepath.Join(s.Dir, "events"))
			if err != nil || strings.Contains(string(content), "secret") {
				t.Errorf("a header field that is none of ours travels: %s, %v", content, err)
			}
		})
	}
}

func TestHonor(t *testing.T) {
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	rejections := b.Subscribe("segment.rejected.>")
	events := b.Subscribe("segment.events.>")
	s.Run(`segment_pixel {
		write_key k web
		sink nats ` + b.Server.ClientURL() + `
		honor gpc dnt
	}`)
	for _, signal := range []struct{ header, reason string }{{"Sec-GPC", "gpc"}, {"DNT", "dnt"}} {
		s.Get("/v1/pixel/page?"+pixeltest.Data(pixeltest.Page), signal.header, "1")
		msg := pixeltest.Receive(t, rejections)
		if msg.Subject != "segment.rejected."+signal.reason || len(msg.Data) != 0 || msg.Header.Get("Segment-Source") != "web" {
			t.Errorf("%s: got %s with %q and %v", signal.header, msg.Subject, msg.Data, msg.Header)
		}
	}
	s.Get("/v1/pixel/page?"+pixeltest.Data(pixeltest.Page), "DNT", "0")
	if msg := pixeltest.Receive(t, events); msg.Subject != "segment.events.web.page" {
		t.Errorf("got %s", msg.Subject)
	}
}

func TestRejectedSubject(t *testing.T) {
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	rejections := b.Subscribe(">")
	s.Run(`segment_pixel {
		write_key k web
		sink jetstream ` + b.Server.ClientURL() + ` {
			rejected refused.pixels
		}
	}`)
	s.Get("/v1/pixel/track?writeKey=k&userId=u&x=" + strings.Repeat("y", 9000))
	var msg = pixeltest.Receive(t, rejections)
	for !strings.HasPrefix(msg.Subject, "refused.") {
		msg = pixeltest.Receive(t, rejections)
	}
	if msg.Subject != "refused.pixels.no_event" || len(msg.Data) != pixel.MaxRejectedQuery {
		t.Errorf("got %s with %d bytes", msg.Subject, len(msg.Data))
	}
	for name, want := range map[string]string{
		"Segment-Reason": "no_event", "Segment-Source": "web", "Segment-Type": "track", "Segment-Detail": "event is missing, empty or no text",
	} {
		if got := msg.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestPublished sends every event type, in every form, through to a stream.
func TestPublished(t *testing.T) {
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	s.Run(`segment_pixel {
		write_key YOUR_WRITE_KEY docs
		sink jetstream ` + b.Server.ClientURL() + `
	}`)
	s.Get("/v1/pixel/track?data=" + pixeltest.SegmentSample)
	s.Get("/v1/pixel/identify?" + pixeltest.Data(`{"writeKey":"YOUR_WRITE_KEY","userId":"u","traits":{"a":1},"messageId":"m-1"}`))
	s.Get("/v1/pixel/group?" + pixeltest.Data(`{"writeKey":"YOUR_WRITE_KEY","userId":"u","groupId":"g"}`))
	s.Get("/v1/pixel/alias?" + pixeltest.Data(`{"writeKey":"YOUR_WRITE_KEY","userId":"u","previousId":"p"}`))
	s.Get("/v1/pixel/screen?" + pixeltest.Data(`{"writeKey":"YOUR_WRITE_KEY","anonymousId":"a","name":"n"}`))
	s.Get("/v1/pixel/page?writeKey=YOUR_WRITE_KEY&anonymousId=%22amp-x%22&context.library.name=amp&name=")
	msgs := b.Await(6)
	var subjects []string
	for _, msg := range msgs {
		subjects = append(subjects, strings.TrimPrefix(msg.Subject, "segment.events.docs."))
		body := pixeltest.Parse(t, msg.Data)
		want := "docs:" + body["messageId"].(string)
		if body["messageId"] == "m-1" {
			want += ":u" // the client's own id does not tell readers apart
		}
		if got := msg.Header.Get("Nats-Msg-Id"); got != want {
			t.Errorf("%s: Nats-Msg-Id %q, messageId %q", msg.Subject, got, body["messageId"])
		}
		if len(msg.Header) != 1 {
			t.Errorf("%s: headers %v", msg.Subject, msg.Header)
		}
	}
	if want := []string{"track", "identify", "group", "alias", "screen", "page"}; !slices.Equal(subjects, want) {
		t.Fatalf("got %v, want %v", subjects, want)
	}
	sample := pixeltest.Parse(t, msgs[0].Data)
	if sample["event"] != "Email Opened" || sample["userId"] != "025pikachu025" ||
		sample["properties"].(map[string]any)["subject"] != "The Electric Daily" ||
		sample["properties"].(map[string]any)["email"] != "peekAtMe@email.poke" {
		t.Errorf("Segment's sample became %v", sample)
	}
	if amp := pixeltest.Parse(t, msgs[5].Data); amp["anonymousId"] != "amp-x" || amp["name"] != "" {
		t.Errorf("AMP's form became %v", amp)
	}
}

func TestSubjectTemplate(t *testing.T) {
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	events := b.Subscribe("pixels.>")
	s.Run(`segment_pixel {
		write_key k web
		sink nats ` + b.Server.ClientURL() + ` {
			subject pixels.{http.request.host}.{source}-{type}.{event}.{http.request.uri.query.missing}
		}
	}`)
	s.Get("/v1/pixel/track?writeKey=k&userId=u&event=Mail.*+opened%3E+%C3%BC")
	if msg := pixeltest.Receive(t, events); msg.Subject != "pixels.127_0_0_1.web-track.Mail___opened____._" {
		t.Errorf("got %s", msg.Subject)
	}
}

// TestTrace looks for the span of Caddy's tracing handler in the headers.
func TestTrace(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	events := b.Subscribe("segment.events.>")
	s.Run(`tracing
	segment_pixel {
		write_key k web
		sink nats ` + b.Server.ClientURL() + `
	}`)
	const parent = "0af7651916cd43dd8448eb211c80319c"
	s.Get("/v1/pixel/page?"+pixeltest.Data(pixeltest.Page), "traceparent", "00-"+parent+"-b7ad6b7169203331-01")
	got := pixeltest.Receive(t, events).Header.Get("traceparent")
	if !strings.HasPrefix(got, "00-"+parent+"-") || !strings.HasSuffix(got, "-01") || strings.Contains(got, "b7ad6b7169203331") {
		t.Errorf("traceparent %q", got)
	}
}

// TestHTTP2 sends the pixel over TLS.
func TestHTTP2(t *testing.T) {
	s := pixeltest.NewSite(t)
	s.Load(s.Adapt(`https://localhost:PORT {
		tls internal
		` + toFile + `
	}`))
	root, err := os.ReadFile(filepath.Join(s.Dir, "storage/pki/authorities/local/root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	client := pixeltest.Trusting(t, root)
	defer client.CloseIdleConnections()
	var response *http.Response
	pixeltest.Eventually(t, "the certificate is there", func() bool {
		response, err = client.Get("https://localhost:" + strconv.Itoa(s.Port) + "/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
		return err == nil
	})
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 2 || string(body) != pixel.GIF || len(s.Lines("events")) != 1 {
		t.Errorf("got %s over %s, %v", response.Status, response.Proto, err)
	}
}

// TestURLTooLong documents what Caddy itself refuses.
func TestURLTooLong(t *testing.T) {
	s := pixeltest.NewSite(t)
	s.Load(s.Adapt(`GLOBAL{
		servers {
			max_header_size 16KB
		}
	}GLOBAL
	http://127.0.0.1:PORT {
		` + toFile + `
	}`))
	response, _ := s.Do("GET", "/v1/pixel/page?writeKey=k&userId=u&x="+strings.Repeat("y", 32<<10))
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge || len(s.Lines("events")) != 0 {
		t.Errorf("got %s", response.Status)
	}
	s.Get("/v1/pixel/page?writeKey=k&userId=u&x=" + strings.Repeat("y", 12<<10))
}

func TestPlaceholders(t *testing.T) {
	s := pixeltest.NewSite(t)
	s.Run(`
		log
		log_append outcome {http.segment_pixel.outcome}
		log_append type {http.segment_pixel.type}
		log_append source {http.segment_pixel.source}
		log_append id {http.segment_pixel.message_id}
		log_append fetch {http.segment_pixel.fetch}
	` + toFile)
	s.Get("/v1/pixel/page?" + pixeltest.Data(`{"writeKey":"k","userId":"u","messageId":"m"}`))
	s.Get("/v1/pixel/track?" + pixeltest.Data(pixeltest.Page))
	s.Get("/v1/pixel/nothing")
	var got []string
	for _, line := range s.Logged("handled request") {
		got = append(got, fmt.Sprintf("%v %v %v %v %v", line["outcome"], line["type"], line["source"], line["id"], line["fetch"]))
	}
	if want := []string{"accepted page web m bot", "no_event track web  bot", "unknown_route    bot"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSharedReplacer has two sinks read placeholders of one request that write to
// the request when they are read; the race detector watches.
func TestSharedReplacer(t *testing.T) {
	s := pixeltest.NewSite(t)
	b := pixeltest.StartNATS(t, -1)
	events := b.Subscribe("*.*")
	sink := func(name string) string {
		return "sink nats " + b.Server.ClientURL() + " {\nsubject " + name + ".{http.request.uuid}\n}\n"
	}
	s.Run("segment_pixel {\nwrite_key k web\n" + sink("one") + sink("two") + "}")
	for range 50 {
		s.Get("/v1/pixel/page?" + pixeltest.Data(pixeltest.Page))
		first, second := pixeltest.Receive(t, events), pixeltest.Receive(t, events)
		_, id, _ := strings.Cut(first.Subject, ".")
		if _, other, _ := strings.Cut(second.Subject, "."); other != id || len(id) != 36 {
			t.Fatalf("one request has the ids %q and %q", id, other)
		}
	}
}

// TestExample loads Caddyfile.example as it stands, but for its ports and its
// folder, and sends what it is for.
func TestExample(t *testing.T) {
	text, err := os.ReadFile("Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	s := pixeltest.NewSite(t)
	natsPort := strconv.Itoa(pixeltest.FreePort(t))
	example := strings.NewReplacer("8080", strconv.Itoa(s.Port), "4222", natsPort, "./segment_pixel_data", s.Dir,
		"{\n\t# The quickstart", "{\n\tadmin off\n\tpersist_config off\n\tstorage file_system "+s.Dir+"\n\t# The quickstart",
		"format filter", "output file "+s.Dir+"/caddy.log {\n\t\t\troll_disabled\n\t\t}\n\t\tformat filter",
	).Replace(string(text))
	s.URL = "http://localhost:" + strconv.Itoa(s.Port)
	adapted, warnings, err := pixeltest.CaddyfileAdapter().Adapt([]byte(example), map[string]any{"filename": "Caddyfile.example"})
	if err != nil || len(warnings) != 0 {
		t.Fatalf("adapting: %v, %v", err, warnings)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	s.Get("/v1/pixel/track?data=" + pixeltest.SegmentSample)
	if _, body := s.Do("GET", "/"); !strings.Contains(body, "/v1/pixel/track") {
		t.Errorf("the rest of the site says %q", body)
	}
	b := pixeltest.ConnectTo(t, "nats://127.0.0.1:"+natsPort)
	if msgs := b.Await(1); len(msgs) != 1 || msgs[0].Subject != "segment.events.docs.track" {
		t.Errorf("stored %v", msgs)
	}
	access := s.Logged("handled request")
	if len(access) != 2 || access[0]["pixel"] != "accepted" || access[0]["request"].(map[string]any)["uri"] != "/v1/pixel/track?(hidden)" {
		t.Errorf("access log %v", access)
	}
}
