// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/explain"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// explainInput runs explain with something on its standard input.
func explainInput(t *testing.T, in io.Reader, args ...string) pixeltest.Executed {
	t.Helper()
	cmd := explain.New()
	cmd.SetIn(in)
	return pixeltest.Execute(t, cmd, args...)
}

var (
	anyTime = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`)
	anyID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	anySize = regexp.MustCompile(`(event +)[0-9]+ bytes`)
	Module  = regexp.MustCompile(`"version": "[^"]*"`)
)

// steady replaces what differs from run to run.
func steady(text string) string {
	text = anyID.ReplaceAllString(anyTime.ReplaceAllString(text, "TIME"), "ID")
	return Module.ReplaceAllString(anySize.ReplaceAllString(text, "${1}N bytes"), `"version": "VERSION"`)
}

func TestExplainAccepted(t *testing.T) {
	got := pixeltest.Execute(t, explain.New(), "https://example.com/v1/pixel/Track/?data="+pixeltest.SegmentSample+"&properties.mail=%22%1b[31m%22&cb=1")
	got.Want(0)
	const want = `ok      route        GET /v1/pixel/Track/ is a pixel of the type track
ok      query        3 parameters; data, 226 bytes; 1 field: properties.mail; ignored: cb (one of
                     ignore_params)
ok      data         226 base64 digits, 169 bytes
ok      fields       on top of what data held; over its own: properties
                     {"properties":{"mail":"\u001b[31m"}}
ok      json         173 bytes of at most 32768; 4 members: writeKey, userId, event, properties
                     {"writeKey":"[write key]","userId":"025pikachu025","event":"Email Opened","properties":{"subject":"The Electric Daily","email":"peekAtMe@email.poke","mail":"\u001b[31m"}}
ok      write_key    14 bytes
ok      identity     userId "025pikachu025"
ok      type_rules   event "Email Opened"
ok      field_types  every field that the specification knows has its type
ok      opt_out      no signal against tracking that the site honours
ok      times        timestamp is the time of receipt: TIME
ok      event        N bytes; messageId made by the server

accepted: track, messageId ID
mended: quotes: The value of a parameter is in double quotes, as AMP writes it. Leave them out where
you can.
The write key was not compared with any: name a configuration with --config to check it.

{
  "userId": "025pikachu025",
  "event": "Email Opened",
  "properties": {
    "subject": "The Electric Daily",
    "email": "peekAtMe@email.poke",
    "mail": "\u001b[31m"
  },
  "messageId": "ID",
  "context": {
    "library": {
      "name": "segment_pixel",
      "version": "VERSION"
    }
  },
  "type": "track",
  "originalTimestamp": "TIME",
  "sentAt": "TIME",
  "timestamp": "TIME",
  "receivedAt": "TIME"
}
`
	if steady(got.Out) != want {
		t.Errorf("got\n%s\nwant\n%s", steady(got.Out), want)
	}
}

// TestExplainSealed opens a token with the keys of a file, and says so where there are none.
func TestExplainSealed(t *testing.T) {
	key, err := seal.NewKey("k", seal.A256GCM, "newsletter")
	if err != nil {
		t.Fatal(err)
	}
	set := &seal.Set{Keys: []seal.Key{*key}}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seals.jwks")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := set.Seal([]byte(`{"userId":"u","event":"Email Opened"}`), "k")
	if err != nil {
		t.Fatal(err)
	}
	url := "/v1/pixel/track?data=" + token
	pixeltest.Execute(t, explain.New(), url, "--seal", file).Want(0, "a token, ", "none is needed: the key of the seal has the source newsletter", `"userId": "u"`)
	pixeltest.Execute(t, explain.New(), url).Want(cli.ExitRejected, "it looks like a sealed pixel", "--seal")
	pixeltest.Execute(t, explain.New(), url+"x", "--seal", file).Want(cli.ExitRejected, "bad_seal")
	pixeltest.Execute(t, explain.New(), url, "--seal", file+"x").Want(caddy.ExitCodeFailedStartup, "seals.jwksx")
	config := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key k web\nseal "+file+" required\n}")
	pixeltest.Execute(t, explain.New(), url, "--config", config).Want(0, "has the source newsletter")
	pixeltest.Execute(t, explain.New(), "/v1/pixel/track?writeKey=k&userId=u&event=e", "--config", config).Want(cli.ExitRejected, "not_sealed")
	pixeltest.Execute(t, explain.New(), url, "--config", config, "--seal", file).Want(caddy.ExitCodeFailedStartup, "leave them out")
}

func TestExplainRejected(t *testing.T) {
	tests := map[string]struct {
		target, want string
	}{
		"cut": {"/v1/pixel/track?data=" + pixeltest.SegmentSample[:40], `ok      route        GET /v1/pixel/track is a pixel of the type track
ok      query        1 parameter; data, 40 bytes
ok      data         40 base64 digits, 30 bytes
FAILED  json         the JSON ends early, after 30 bytes
                     {"writeKey": "[write key]",>>>

rejected: truncated: the JSON ends early, after 30 bytes
The end of the payload is missing: mail clients, proxies and logs cut long URLs, and a raw # or & in
a value ends it. Keep the URL under 2,000 characters and percent-encode every value.
`},
		"nobody": {"writeKey=k&user_id=u", `ok      route        no path is given: taken for a pixel of the type track
ok      query        2 parameters; 2 fields: writeKey, user_id
ok      fields       an object of the parameters, whose values are all text
ok      json         30 bytes of at most 32768; 2 members: writeKey, user_id
                     {"writeKey":"[write key]","user_id":"u"}
ok      write_key    1 byte
FAILED  identity     neither userId nor anonymousId; there is user_id, which has to be spelt userId

rejected: no_identity: neither userId nor anonymousId
The pixel needs userId or anonymousId, and not empty. Look for a misspelt name, or a merge tag that
found nothing for this recipient, and give it a default.
The write key was not compared with any: name a configuration with --config to check it.
`},
		"no type": {"GET /v1/pixel/tracks HTTP/1.1", `FAILED  route        the path names no event type: GET /v1/pixel/tracks

rejected: unknown_route: the path names no event type
The path must go on behind its prefix with identify, group, alias, page, screen or track, as in
/v1/pixel/track. Correct the pixel, or the path_prefix if that names the wrong part of the path.
`},
		"no GET": {"POST /v1/pixel/track?writeKey=k HTTP/1.1", `FAILED  route        the method is not GET: POST /v1/pixel/track

rejected: method: the method is not GET
Only GET makes an event, because a pixel is an image that is loaded. Replace a form, a beacon or a
POST by an <img> or a GET with the same query.
`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := pixeltest.Execute(t, explain.New(), test.target)
			got.Want(4)
			if got.Out != test.want {
				t.Errorf("got\n%s\nwant\n%s", got.Out, test.want)
			}
		})
	}
	pixeltest.Execute(t, explain.New(), "/pixel/\x1b/track?a=1").Want(4, "unknown_route",
		`/pixel/\x1b/track is under none of the path prefixes: /v1/pixel;`)
	pixeltest.Execute(t, explain.New(), "/"+strings.Repeat("ü", 1000)).Want(4, strings.Repeat("ü", 50)+"...\n")
}

func TestExplainOptions(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"another type":          {[]string{"--type", "Page", "writeKey=k&userId=u"}, 0, "accepted: page"},
		"the path's type":       {[]string{"--type", "page", "/v1/pixel/track?writeKey=k&userId=u"}, 4, "no_event"},
		"another prefix":        {[]string{"--path-prefix", "/p", "--path-prefix", "/q,/", "/q/page?writeKey=k&userId=u"}, 0, "accepted: page"},
		"not the default then":  {[]string{"--path-prefix", "/p", "/v1/pixel/page?writeKey=k&userId=u"}, 4, "none of the path prefixes: /p;"},
		"a smaller event":       {[]string{"--max-event-size", "20B", "--type", "page", "writeKey=k&userId=u"}, 4, "too_large: 29 bytes, at most 20 are taken"},
		"nothing":               {[]string{" "}, 1, "there is nothing to explain"},
		"HEAD":                  {[]string{"HEAD /v1/pixel/track HTTP/1.1"}, 1, "HEAD is answered, but makes no event"},
		"no type":               {[]string{"--type", "x", "a=1"}, 1, "write identify, group, alias, page, screen, track"},
		"a bad prefix":          {[]string{"--path-prefix", "x", "a=1"}, 1, "must begin with a slash"},
		"a bad size":            {[]string{"--max-event-size", "x", "a=1"}, 1, "write a size from 1B to 64MiB"},
		"a huge size":           {[]string{"--max-event-size", "65MiB", "a=1"}, 1, "write a size from 1B to 64MiB"},
		"an adapter alone":      {[]string{"--adapter", "caddyfile", "a=1"}, 1, "--adapter is of use only with --config"},
		"prefix and config":     {[]string{"--config", "x", "--path-prefix", "/x", "a=1"}, 1, "come from the configuration"},
		"a missing config":      {[]string{"--config", "/nowhere", "a=1"}, 1, "nowhere"},
		"a broken percent sign": {[]string{"/v1/pixel/%zz?a=1"}, 1, "a broken percent escape"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pixeltest.Execute(t, explain.New(), test.args...).Want(test.code, test.want)
		})
	}
}

func TestExplainJSON(t *testing.T) {
	got := pixeltest.Execute(t, explain.New(), "--json", "/v1/pixel/page?writeKey=k&userId=%3Cu%3E")
	got.Want(0, "<u>")
	var x struct {
		pixel.Explanation
		WriteKeyChecked *bool `json:"write_key_checked"`
	}
	if err := json.Unmarshal([]byte(got.Out), &x); err != nil {
		t.Fatal(err)
	}
	if x.Outcome != "accepted" || x.Type != "page" || x.Steps[0].Name != "route" || pixeltest.Parse(t, x.Event)["userId"] != "<u>" ||
		x.WriteKeyChecked == nil || *x.WriteKeyChecked {
		t.Errorf("got %s", got.Out)
	}
}

// TestExplainWithConfiguration decodes with the handlers of two sites.
func TestExplainWithConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "Caddyfile")
	keys := filepath.Join(dir, "keys")
	for name, text := range map[string]string{
		keys: "FILEKEY files\n",
		file: `{
			admin off
		}
		http://one.example {
			segment_pixel {
				write_key ONEKEY one
				write_keys ` + keys + `
				max_event_size 100B
				sink log
			}
		}
		http://*.two.example:8080 {
			segment_pixel {
				write_key TWOKEY two
				path_prefix /p
				honor gpc
				sink log
			}
			segment_pixel {
				write_key THREEKEY three
				path_prefix /p /q
				sink log
			}
		}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		target string
		code   int
		want   string
	}{
		"a known key":          {"https://one.example/v1/pixel/page?writeKey=ONEKEY&userId=u", 0, "source one"},
		"a key of a file":      {"https://one.example/v1/pixel/page?writeKey=FILEKEY&userId=u", 0, "source files"},
		"an unknown key":       {"https://one.example/v1/pixel/page?writeKey=TWOKEY&userId=u", 4, "no source has this write key; it has 6 bytes"},
		"its limit":            {"https://one.example/v1/pixel/page?writeKey=ONEKEY&userId=" + strings.Repeat("u", 100), 4, "at most 100 are taken"},
		"another site":         {"http://a.two.example:8080/p/page?writeKey=TWOKEY&userId=u", 0, "source two"},
		"its second handler":   {"http://a.two.example:8080/p/page?writeKey=THREEKEY&userId=u", 0, "source three"},
		"no key of either":     {"http://a.two.example:8080/p/page?writeKey=ONEKEY&userId=u", 4, "unknown_write_key"},
		"a prefix of another":  {"http://a.two.example:8080/v1/pixel/page?writeKey=TWOKEY&userId=u", 4, "none of the path prefixes: /p, /q;"},
		"an unknown host":      {"http://127.0.0.1/p/page?writeKey=TWOKEY&userId=u", 0, "source two"},
		"a query without host": {"writeKey=TWOKEY&userId=u&event=e", 0, "source two"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := pixeltest.Execute(t, explain.New(), "--config", file, "--adapter", "caddyfile", test.target)
			got.Want(test.code, test.want)
			if strings.Contains(got.Out, "was not compared") || strings.Contains(got.Out, "KEY") {
				t.Errorf("it says that the key was not checked, or shows it:\n%s", got.Out)
			}
		})
	}

	log := `{"request":{"method":"GET","host":"a.two.example:8080","uri":"/p/page?writeKey=TWOKEY&userId=u","headers":{"Sec-Gpc":["1"]}}}
{"request":{"method":"GET","host":"a.two.example:8080","uri":"/p/page?writeKey=TWOKEY&userId=u","headers":{}}}
{"request":{"method":"GET","host":"one.example","uri":"/p/page?writeKey=TWOKEY&userId=u"}}
`
	got := explainInput(t, strings.NewReader(log), "--config", file, "-")
	got.Want(4)
	want := `     1  rejected  page      two       gpc: the request carries Sec-GPC: 1
     2  accepted  page      two

pixels in 2 of 3 lines; skipped 1 without one
       1  accepted
       1  gpc
`
	if !strings.HasPrefix(got.Out, want) || strings.Contains(got.Out, "not compared") {
		t.Errorf("got\n%s", got.Out)
	}

	if err := os.Remove(keys); err != nil {
		t.Fatal(err)
	}
	pixeltest.Execute(t, explain.New(), "--config", file, "a=1").Want(1, "write_keys file "+keys)
}

const explainedLog = `{"ts":1646861401.5,"request":{"method":"GET","host":"h","uri":"/v1/pixel/track?writeKey=k&userId=u&event=e"}}
{"request":{"method":"HEAD","host":"h","uri":"/v1/pixel/track?writeKey=k&userId=u&event=e"}}
{"request":{"method":"POST","host":"h","uri":"/v1/pixel/track?writeKey=k&userId=u&event=e"}}
192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /v1/pixel/page?writeKey=k&userId=%22u%22 HTTP/1.0" 200 43
192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /index.html HTTP/1.0" 200 2326

https://example.com/v1/pixel/page?writeKey=k
data=!`

// TestExplainWithoutTheVariables goes on with what is known, and says what is not.
func TestExplainWithoutTheVariables(t *testing.T) {
	file := pixeltest.WriteCaddyfile(t, `segment_pixel {
		write_key {env.PIXEL_TEST_UNSET} web
		write_key KNOWN mail
		sink jetstream {
			token {env.PIXEL_TEST_UNSET}
		}
	}`)
	for key, code := range map[string]int{"KNOWN": 0, "OTHER": cli.ExitRejected} {
		got := pixeltest.Execute(t, explain.New(), "--config", file, "/v1/pixel/track?writeKey="+key+"&userId=u&event=e")
		got.Want(code)
		if !strings.HasPrefix(got.Out, "PIXEL_TEST_UNSET is not set here, so its write keys are taken for unknown: run this command") || strings.Contains(got.Out, "jetstream") {
			t.Errorf("with the key %s it says %q", key, got.Out)
		}
	}
}

func TestExplainLog(t *testing.T) {
	got := explainInput(t, strings.NewReader(explainedLog), "-")
	got.Want(4)
	want := `     1  accepted  track
     3  rejected  track     method: the method is not GET
     4  accepted  page      mended: quotes
     7  rejected  page      no_identity: neither userId nor anonymousId
     8  rejected  track     bad_base64: byte 0 is no base64 digit

pixels in 5 of 8 lines; skipped 3 without one
       2  accepted
       1  method
          Only GET makes`
	if !strings.HasPrefix(got.Out, want) {
		t.Errorf("got\n%s", got.Out)
	}
	got.Want(4, "\n       1  bad_base64\n          Something", "\n       1  mended: quotes\n          The value", "not compared with any")

	explainInput(t, strings.NewReader(explainedLog), "--verbose", "-").Want(4,
		"     1  accepted  track\n        ok      route        GET /v1/pixel/track is a pixel of the type track\n",
		"timestamp is the time of receipt: 2022-03-09T21:30:01.500Z",
		`        FAILED  data         byte 0 is no base64 digit; the byte is "!"`)
	explainInput(t, io.MultiReader(strings.NewReader("data=e30\n"), failingReader{}), "-").Want(1, "reading the log: broken")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestExplainLogJSON(t *testing.T) {
	got := explainInput(t, strings.NewReader(explainedLog), "--json", "-")
	got.Want(4)
	want := `{"line":1,"outcome":"accepted","type":"track"}
{"line":3,"outcome":"rejected","reason":"method","detail":"the method is not GET","type":"track"}
{"line":4,"outcome":"accepted","type":"page","repairs":["quotes"]}
{"line":7,"outcome":"rejected","reason":"no_identity","detail":"neither userId nor anonymousId","type":"page"}
{"line":8,"outcome":"rejected","reason":"bad_base64","detail":"byte 0 is no base64 digit","type":"track"}
{"summary":{"lines":8,"pixels":5,"skipped":3,"too_long":0,"accepted":2,"rejected":{"bad_base64":1,"method":1,"no_identity":1},"repairs":{"quotes":1}},"write_key_checked":false}
`
	if got.Out != want {
		t.Errorf("got\n%s\nwant\n%s", got.Out, want)
	}
	explainInput(t, strings.NewReader(explainedLog), "--json", "--verbose", "-").Want(4,
		`{"line":1,"outcome":"accepted","type":"track","steps":[{"step":"route","ok":true,`)
}

// TestExplainLongLines reads lines at the limit, and an endless one, without keeping
// them.
func TestExplainLongLines(t *testing.T) {
	const accepted = "/v1/pixel/page?writeKey=k&userId=u&cb="
	longest := accepted + strings.Repeat("x", accesslog.MaxLine-len(accepted)-1)
	explainInput(t, strings.NewReader(longest+"\n"+longest+"xx\n"+accepted), "-").Want(1,
		"pixels in 2 of 3 lines; skipped 0 without one and 1 longer than 1 MiB\n", "longer than 1 MiB: 1 line, which may hold a pixel")

	const size = 256 << 20
	in := io.MultiReader(io.LimitReader(endless{}, size), strings.NewReader("\n"+accepted))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	explainInput(t, in, "-").Want(1, "pixels in 1 of 2 lines; skipped 0 without one and 1 longer than 1 MiB")
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16*accesslog.MaxLine {
		t.Errorf("%d bytes allocated for a line of %d", took, size)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("x"), min(len(p), 64)))
	for n := min(len(p), 64); n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
	return len(p), nil
}

// TestExplainFollows sees each verdict before the next line is written, as with a log
// that grows.
func TestExplainFollows(t *testing.T) {
	in, lines := io.Pipe()
	verdicts, out := io.Pipe()
	cmd := explain.New()
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetArgs([]string{"-"})
	done := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(t.Context())
		_ = out.Close()
		done <- err
	}()
	const want = "     1  accepted  page\n"
	for i := range 3 {
		if _, err := io.WriteString(lines, "/v1/pixel/page?writeKey=k&userId=u\n"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(verdicts, got); err != nil || string(got) != strings.Replace(want, "1", string(rune('1'+i)), 1) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(verdicts); err != nil || !strings.Contains(string(rest), "pixels in 3 of 3 lines") {
		t.Errorf("got %q, %v", rest, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
