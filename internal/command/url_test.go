// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/explain"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

// executeURL runs url with its output and its messages apart.
func executeURL(t *testing.T, stdin string, args ...string) (out, messages string, code int) {
	t.Helper()
	cmd := command.NewURL()
	var stdout, stderr bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	run := pixeltest.Executed{}
	wrapped := &cobra.Command{Use: "caddy", SilenceUsage: true}
	wrapped.AddCommand(cmd)
	wrapped.SetOut(&stdout)
	wrapped.SetErr(&stderr)
	wrapped.SetArgs(append([]string{"url", "--base", "https://example.com"}, args...))
	run.Err = wrapped.ExecuteContext(t.Context())
	if run.Err != nil {
		stderr.WriteString(run.Err.Error())
	}
	return stdout.String(), stderr.String(), pixeltest.ExitCode(run.Err)
}

func TestURL(t *testing.T) {
	const site = "https://example.com/v1/pixel/"
	tests := map[string]struct {
		args []string
		want string // the URL; what follows "data=" is written as JSON
	}{
		"a mail": {
			[]string{"--write-key", "k", "--user-id", "u", "--event", "Email Opened", "--property", "subject=Hello", "--property", "campaign.name=a=b"},
			site + `track?data={"writeKey":"k","userId":"u","event":"Email Opened","properties":{"campaign":{"name":"a=b"},"subject":"Hello"}}`,
		},
		"a mail as fields": {
			[]string{"--form", "fields", "--write-key", "k", "--user-id", "u", "--event", "Email Opened", "--property", "a.b=c & d", "--trait", "e=", "--context", "ip=::1", "--type", "TRACK"},
			site + `track?writeKey=k&userId=u&event=Email%20Opened&properties.a.b=c%20%26%20d&traits.e=&context.ip=%3A%3A1`,
		},
		"merge tags": {
			[]string{"--form", "fields", "--write-key", "k", "--user-id", "*|URL:UNIQID|*", "--event", "Opened %%=URLEncode(name,1)=%%", "--property", "x={{ a | url_encode }}"},
			site + `track?writeKey=k&userId=*|URL:UNIQID|*&event=Opened%20%%=URLEncode(name,1)=%%&properties.x={{ a | url_encode }}`,
		},
		"a group": {
			[]string{"--type", "group", "--write-key", "k", "--anonymous-id", "a", "--group-id", "g", "--form", "fields"},
			site + `group?writeKey=k&anonymousId=a&groupId=g`,
		},
		"an alias": {
			[]string{"--type", "alias", "--write-key", "k", "--user-id", "u", "--previous-id", "p", "--message-id", "m", "--form", "fields"},
			site + `alias?writeKey=k&userId=u&previousId=p&messageId=m`,
		},
		"a page": {
			[]string{"--type", "page", "--write-key", "k", "--user-id", "u", "--name", "Home", "--category", "c", "--path-prefix", "/p/", "--form", "fields"},
			`https://example.com/p/page?writeKey=k&userId=u&name=Home&category=c`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, messages, code := executeURL(t, "", append(test.args, "--url")...)
			want := test.want
			if front, object, found := strings.Cut(want, "data="); found {
				want = front + pixeltest.Data(object)
			}
			if code != 0 || out != want+"\n" || messages != "" {
				t.Errorf("exit status %d, %s\ngot  %s\nwant %s", code, messages, out, want)
			}
		})
	}
}

// TestURLOutput gives the URL and the HTML, or one of them.
func TestURLOutput(t *testing.T) {
	args := []string{"--form", "fields", "--type", "page", "--write-key", "k", "--user-id", "{{id|urlencode}}"}
	const url = "https://example.com/v1/pixel/page?writeKey=k&userId={{id|urlencode}}\n"
	const html = `<img src="https://example.com/v1/pixel/page?writeKey=k&amp;userId={{id|urlencode}}" width="1" height="1" alt="" style="border:0">` + "\n"
	for flag, want := range map[string]string{"": url + html, "--url": url, "--html": html} {
		out, messages, code := executeURL(t, "", append(args, strings.Fields(flag)...)...)
		if code != 0 || out != want || messages != "" {
			t.Errorf("%s: exit status %d\n%s%s", flag, code, out, messages)
		}
	}
}

// TestURLOfConfiguration takes site, prefix and key from a configuration.
func TestURLOfConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(`
example.com {
	segment_pixel {
		write_key KEY1 web
		write_key KEY2 newsletter
	}
}
http://localhost:8080 {
	handle_path /px/* {
		segment_pixel {
			write_key KEY3 local
			path_prefix /
		}
	}
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--source", "newsletter"}, 0, "https://example.com/v1/pixel/page?writeKey=KEY2&userId=u\n"},
		{[]string{"--source", "local"}, 0, "http://localhost:8080/px/page?writeKey=KEY3&userId=u\n"},
		{[]string{"--base", "http://localhost:8080"}, 0, "http://localhost:8080/px/page?writeKey=KEY3&userId=u\n"},
		{[]string{"--base", "https://example.com", "--write-key", "KEY1"}, 0, "https://example.com/v1/pixel/page?writeKey=KEY1&userId=u\n"},
		{[]string{"--base", "https://example.com", "--write-key", "KEY9"}, 4, "rejected: unknown_write_key"},
		{[]string{"--base", "https://example.com"}, 1, "choose one of newsletter, web with --source"},
		{[]string{"--source", "none"}, 1, "no handler of the configuration has a write key of the source none"},
	} {
		cmd := command.NewURL()
		e := pixeltest.Execute(t, cmd, append([]string{"--config", file, "--type", "page", "--user-id", "u", "--form", "fields", "--url"}, test.args...)...)
		e.Want(test.code, test.want)
	}
}

// TestURLAsJSON has all that is said otherwise.
// TestURLWithoutTheVariables makes the URLs of the sources whose keys it knows.
func TestURLWithoutTheVariables(t *testing.T) {
	file := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key {env.PIXEL_TEST_UNSET} web\nwrite_key KNOWN mail\nsink jetstream {\ntoken {env.PIXEL_TEST_UNSET}\n}\n}")
	args := []string{"--config", file, "--base", "http://localhost", "--form", "fields", "--user-id", "u", "--event", "e", "--url"}
	if out, messages, code := executeURL(t, "", append(args, "--source", "mail")...); code != 0 || !strings.Contains(out, "writeKey=KNOWN&") {
		t.Errorf("%d: %s%s", code, out, messages)
	}
	if out, messages, code := executeURL(t, "", append(args, "--source", "web")...); code != 1 || !strings.Contains(messages, "comes from PIXEL_TEST_UNSET, which is not set here") {
		t.Errorf("%d: %s%s", code, out, messages)
	}
}

func TestURLAsJSON(t *testing.T) {
	out, messages, code := executeURL(t, "", "--form", "fields", "--type", "page", "--write-key", "k", "--user-id", "{{id}}", "--json")
	var made struct {
		URL, HTML, Reason, Hint string
		Warnings                []string
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 0 || messages != "" {
		t.Fatalf("exit status %d, %v: %s%s", code, err, out, messages)
	}
	if made.URL != "https://example.com/v1/pixel/page?writeKey=k&userId={{id}}" || !strings.HasPrefix(made.HTML, "<img ") || len(made.Warnings) != 1 || made.Reason != "" {
		t.Errorf("made %+v", made)
	}
	out, _, code = executeURL(t, "", "--write-key", "k", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != 4 || made.Reason != "no_identity" || made.Hint == "" {
		t.Errorf("exit status %d, %v: %s", code, err, out)
	}
}

// TestURLEngines writes the tags of template engines with their filters for URLs, and warns
// of those that have none.
func TestURLEngines(t *testing.T) {
	tags := map[string][2]string{
		"django":     {"{{ id }}", `{{ id|urlencode:"" }}`},
		"ejs":        {"<%= id %>", "<%= encodeURIComponent(id) %>"},
		"erb":        {"<%= id %>", "<%= ERB::Util.url_encode(id) %>"},
		"freemarker": {"${id}", "${id?url}"},
		"go":         {"{{.id}}", "{{ .id | urlquery }}"},
		"handlebars": {"{{{id}}}", "{{encodeURIComponent id}}"},
		"jinja":      {"{{ id }}", "{{ id|urlencode }}"},
		"liquid":     {"{{ id | upcase }}", "{{ id | upcase | url_encode }}"},
		"nunjucks":   {"{{id}}", "{{ id | urlencode }}"},
		"pug":        {"#{id}", "#{encodeURIComponent(id)}"},
		"twig":       {"{{id}}", "{{ id|url_encode }}"},
	}
	for _, name := range mergetag.Engines() {
		tag, known := tags[name]
		if !known {
			t.Errorf("nothing tests %s", name)
			continue
		}
		args := []string{"--form", "fields", "--type", "page", "--write-key", "k", "--url", "--user-id"}
		out, messages, code := executeURL(t, "", append(args, tag[0], "--engine", name)...)
		if want := "https://example.com/v1/pixel/page?writeKey=k&userId=" + tag[1] + "\n"; code != 0 || out != want || (messages != "") != (name == "handlebars" || name == "freemarker") {
			t.Errorf("%s: exit status %d, %s%s", name, code, out, messages)
		}
		if again, _, _ := executeURL(t, "", append(args, tag[1], "--engine", name)...); again != out {
			t.Errorf("%s: a tag with a filter becomes %s", name, again)
		}
		if _, messages, code := executeURL(t, "", append(args, tag[0])...); code != 0 || !strings.Contains(messages, "no filter for URLs") {
			t.Errorf("%s: exit status %d, %s", name, code, messages)
		}
		if _, _, code := executeURL(t, "", append(args, tag[0], "--strict")...); code != 4 {
			t.Errorf("%s: exit status %d with --strict", name, code)
		}
	}
	for _, args := range [][]string{
		{"--form", "fields", "--engine", "php"},
		{"--form", "data", "--engine", "liquid"},
		{"--form", "fields", "--engine", "ejs", "--user-id", "{{id}}"},
	} {
		if _, messages, code := executeURL(t, "", append(args, "--write-key", "k")...); code != 1 || !strings.Contains(messages, "engine") {
			t.Errorf("%v: exit status %d, %s", args, code, messages)
		}
	}
}

// TestURLFilledIn has a template engine fill in an address that a bare tag makes another
// person of.
func TestURLFilledIn(t *testing.T) {
	const person = "jane+news&co@x.de"
	for engine, want := range map[string]string{"go": `"userId": "` + person + `"`, "": `"userId": "jane news"`} {
		args := []string{"--form", "fields", "--type", "page", "--write-key", "k", "--url", "--user-id", "{{.id}}"}
		if engine != "" {
			args = append(args, "--engine", engine)
		}
		out, _, _ := executeURL(t, "", args...)
		var url strings.Builder
		if err := template.Must(template.New("").Parse(strings.TrimSpace(out))).Execute(&url, map[string]string{"id": person}); err != nil {
			t.Fatal(err)
		}
		got := pixeltest.Execute(t, explain.New(), url.String())
		got.Want(0)
		if text := strings.ReplaceAll(got.Out, `\u0026`, "&"); !strings.Contains(text, want) {
			t.Errorf("%s: %s", url.String(), got.Out)
		}
	}
}

// TestURLOnTopOfJSON lets flags win over the file, whose other values keep their types.
func TestURLOnTopOfJSON(t *testing.T) {
	const base = "\ufeff" + `{"writeKey":"k","event":"no","properties":{"n":12345678901234567890.5,"t":true,"html":"<b>"},"zzz":null}`
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	want := pixeltest.Data(`{"writeKey":"k","userId":"u","event":"yes","properties":{"html":"<b>","n":12345678901234567890.5,"t":"x"},"zzz":null}`)
	for _, name := range []string{file, "-"} {
		out, messages, code := executeURL(t, base, "--from", name, "--user-id", "u", "--event", "yes", "--property", "t=x", "--url")
		if code != 0 || out != "https://example.com/v1/pixel/track?"+want+"\n" || messages != "" {
			t.Errorf("exit status %d\n%s%s", code, out, messages)
		}
	}
	_, messages, code := executeURL(t, base, "--from", "-", "--user-id", "u", "--form", "fields")
	if code != 0 || !strings.Contains(messages, "warning: properties.n is a number and becomes text\n") ||
		!strings.Contains(messages, "warning: zzz is null, which a field cannot be: it is left out\n") {
		t.Errorf("exit status %d\n%s", code, messages)
	}
}

// TestURLIsExplained feeds the HTML of one command to the other.
func TestURLIsExplained(t *testing.T) {
	for _, form := range []string{"data", "fields"} {
		out, _, _ := executeURL(t, "", "--form", form, "--write-key", "k", "--user-id", "ü <&> \"'", "--event", "e", "--html")
		got := pixeltest.Execute(t, explain.New(), "--json", out)
		got.Want(0)
		var x struct {
			Event map[string]any
		}
		if err := json.Unmarshal([]byte(got.Out), &x); err != nil {
			t.Fatal(err)
		}
		if got := [2]any{x.Event["userId"], x.Event["event"]}; !reflect.DeepEqual(got, [2]any{"ü <&> \"'", "e"}) {
			t.Errorf("%s: got %v", form, got)
		}
	}
}

// TestURLWarnings says what is wrong, and still prints the pixel.
func TestURLWarnings(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"nobody":            {[]string{"--write-key", "k", "--event", "e"}, 4, "rejected: no_identity: neither userId nor anonymousId\nThe pixel needs userId"},
		"no key":            {[]string{"--user-id", "u", "--event", "e"}, 4, "rejected: no_write_key: "},
		"no event":          {[]string{"--write-key", "k", "--user-id", "u"}, 4, "rejected: no_event: "},
		"nothing":           {[]string{"--form", "fields"}, 4, "rejected: no_data: "},
		"an empty identity": {[]string{"--write-key", "k", "--event", "e", "--user-id", "", "--form", "fields"}, 4, "warning: userId is empty, which means absent: it is left out\nrejected: no_identity"},
		"a hidden tag":      {[]string{"--write-key", "k", "--event", "e", "--user-id", "{{id}}"}, 4, "warning: nobody can fill in the merge tag {{id}}, because base64 hides it: use the form of fields\n"},
		"a long URL":        {[]string{"--write-key", "k", "--event", "e", "--user-id", strings.Repeat("u", 2000), "--form", "fields"}, 0, "mail clients and proxies cut URLs"},
		"a huge URL":        {[]string{"--write-key", "k", "--event", "e", "--user-id", strings.Repeat("u", 16000), "--form", "fields"}, 0, "Caddy refuses a header section over 16 KiB"},
		"too large":         {[]string{"--write-key", "k", "--event", "e", "--user-id", strings.Repeat("u", 40000)}, 4, "rejected: too_large: "},
		"a wrong type":      {[]string{"--write-key", "k", "--event", "e", "--user-id", "u", "--from", "testdata/none"}, 1, "no such file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, messages, code := executeURL(t, "", test.args...)
			if code != test.code || !strings.Contains(messages, test.want) || strings.HasPrefix(out, "https://") != (code != 1) {
				t.Errorf("exit status %d\n%s", code, messages)
			}
		})
	}
}

func TestURLErrors(t *testing.T) {
	tests := map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"a base":            {"", []string{"--base", "example.com"}, "--base: "},
		"a form":            {"", []string{"--form", "x"}, "--form is"},
		"a type":            {"", []string{"--type", "x"}, "--type"},
		"a prefix":          {"", []string{"--path-prefix", "x"}, "--path-prefix: "},
		"a property":        {"", []string{"--property", "x"}, "--property x is no name=value"},
		"no name":           {"", []string{"--trait", "=x"}, "--trait =x is no name=value"},
		"an empty part":     {"", []string{"--trait", "a..b=x"}, "a part of the dotted name is empty"},
		"through a text":    {"", []string{"--trait", "a=x", "--trait", "a.b=y"}, "a has a value already and is no object"},
		"over an object":    {"", []string{"--trait", "a.b=x", "--trait", "a=y"}, "a is an object already"},
		"no JSON":           {"{", []string{"--from", "-"}, "--from: the event is no JSON"},
		"no object":         {"[]", []string{"--from", "-"}, "--from: the event is no JSON object"},
		"null":              {"null", []string{"--from", "-"}, "--from: the event is no JSON object"},
		"two objects":       {"{}{}", []string{"--from", "-"}, "something follows the JSON object"},
		"a repeated name":   {`{"a":1,"a":2}`, []string{"--from", "-"}, "the event repeats a name"},
		"a dot in a name":   {`{"a.b":1}`, []string{"--from", "-", "--form", "fields"}, "has a dot"},
		"html and url":      {"", []string{"--html", "--url"}, "html url"},
		"a field not taken": {`{"cb":"1"}`, []string{"--from", "-", "--form", "fields"}, "which the server ignores"},
		"an argument":       {"", []string{"x"}, "unknown command"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, messages, code := executeURL(t, test.stdin, test.args...)
			if code != 1 || !strings.Contains(messages, test.want) || out != "" {
				t.Errorf("exit status %d\n%s%s", code, out, messages)
			}
		})
	}
}

// TestURLSealed makes a key and a sealed pixel with it.
func TestURLSealed(t *testing.T) {
	made := pixeltest.Execute(t, command.NewKey(), "--source", "newsletter")
	file := filepath.Join(t.TempDir(), "seals.jwks")
	if err := os.WriteFile(file, []byte(made.Out), 0o600); err != nil {
		t.Fatal(err)
	}
	pixeltest.Execute(t, command.NewKey(), "--append", file, "--alg", "HS256").Want(0, `"HS256"`, `"newsletter"`)
	pixeltest.Execute(t, command.NewKey(), "--alg", "RS256").Want(1, "alg must be")
	e := pixeltest.Execute(t, command.NewURL(), "--base", "https://example.com", "--user-id", "jane@example.com", "--event", "e", "--seal", file, "--url")
	e.Want(0, "https://example.com/v1/pixel/track?data=eyJ")
	if strings.Count(e.Out, ".") != 5 || strings.Contains(e.Out, "jane") {
		t.Errorf("got %s", e.Out)
	}
	pixeltest.Execute(t, command.NewURL(), "--base", "https://example.com", "--event", "e", "--seal", file).Want(4, "no_identity")
	pixeltest.Execute(t, command.NewURL(), "--base", "https://example.com", "--event", "e", "--seal", file, "--kid", "x").Want(1, "no key with the kid")
	pixeltest.Execute(t, command.NewURL(), "--base", "https://example.com", "--event", "e", "--seal", file, "--form", "fields").Want(1, "--form data alone")
}
