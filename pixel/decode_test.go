// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/gif"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// segmentSample is the value of data that Segment's documentation of the
// Tracking Pixel API prints, without padding.
const segmentSample = "eyJ3cml0ZUtleSI6ICJZT1VSX1dSSVRFX0tFWSIsICJ1c2VySWQiOiAiMDI1cGlrYWNodTAyNSIsICJldmVudCI6ICJFbWFpbCBPcGVuZWQiLCAicHJvcGVydGllcyI6IHsgICAic3ViamVjdCI6ICJUaGUgRWxlY3RyaWMgRGFpbHkiLCAgICJlbWFpbCI6ICJwZWVrQXRNZUBlbWFpbC5wb2tlIiB9fQ"

var received = time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.UTC)

func newDecoder() *pixel.Decoder {
	ignored := make(map[string]struct{})
	for _, name := range pixel.DefaultIgnored() {
		ignored[name] = struct{}{}
	}
	return &pixel.Decoder{
		Ignored: ignored,
		Version: "v1.2.3",
		Source: func(key string) (string, bool) {
			switch key {
			case "YOUR_WRITE_KEY":
				return "docs", true
			case "k":
				return "web", true
			}
			return "", false
		},
	}
}

// decode decodes a query that must be accepted and returns a copy of the event
// together with its body as a map.
func decode(t testing.TB, typ pixel.Type, query string, facts pixel.Facts) (pixel.Event, map[string]any) {
	t.Helper()
	if facts.Received.IsZero() {
		facts.Received = received
	}
	event, rejection := newDecoder().Decode(typ, query, &facts)
	if rejection != nil {
		t.Fatalf("refused: %v (%s)", rejection.Reason, rejection.Detail)
	}
	kept := *event
	kept.Body = bytes.Clone(event.Body)
	event.Release()
	return kept, object(t, kept.Body)
}

func object(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("the body is no JSON object: %v\n%s", err, text)
	}
	return m
}

func data(text string) string { return "data=" + base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestSegmentSample(t *testing.T) {
	event, body := decode(t, pixel.Track, "data="+segmentSample, pixel.Facts{})
	if event.Source != "docs" || event.Name != "Email Opened" || event.Repairs != 0 {
		t.Errorf("source %q, name %q, repairs %v", event.Source, event.Name, event.Repairs)
	}
	want := map[string]any{
		"userId":            "025pikachu025",
		"event":             "Email Opened",
		"properties":        map[string]any{"subject": "The Electric Daily", "email": "peekAtMe@email.poke"},
		"messageId":         event.MessageID,
		"context":           map[string]any{"library": map[string]any{"name": "segment_pixel", "version": "v1.2.3"}},
		"type":              "track",
		"source":            "docs",
		"originalTimestamp": "2026-03-04T05:06:07.891Z",
		"sentAt":            "2026-03-04T05:06:07.891Z",
		"timestamp":         "2026-03-04T05:06:07.891Z",
		"receivedAt":        "2026-03-04T05:06:07.891Z",
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got  %v\nwant %v", body, want)
	}
}

func TestSegmentSampleOnEveryRoute(t *testing.T) {
	for _, typ := range pixel.Types() {
		event, rejection := newDecoder().Decode(typ, "data="+segmentSample, &pixel.Facts{Received: received})
		switch typ {
		case pixel.Group:
			wantReason(t, rejection, pixel.NoGroupID)
		case pixel.Alias:
			wantReason(t, rejection, pixel.NoPreviousID)
		default:
			if rejection != nil {
				t.Errorf("%v: refused: %v", typ, rejection.Reason)
				continue
			}
			if got := object(t, event.Body)["type"]; got != typ.String() {
				t.Errorf("%v: type %v", typ, got)
			}
			event.Release()
		}
	}
}

func wantReason(t *testing.T, rejection *pixel.Rejection, want pixel.Reason) {
	t.Helper()
	if rejection == nil {
		t.Errorf("accepted, want %v", want)
	} else if rejection.Reason != want {
		t.Errorf("reason %v (%s), want %v", rejection.Reason, rejection.Detail, want)
	}
}

// fullOfPlus encodes to standard base64 with both digits that URLs mangle.
const fullOfPlus = `{"writeKey":"k","userId":"u>>>???~~~","event":"ÿþ>>>"}`

func TestManglings(t *testing.T) {
	std := base64.StdEncoding.EncodeToString([]byte(fullOfPlus))
	if !strings.Contains(std, "+") || !strings.Contains(std, "/") {
		t.Fatalf("the payload does not test what it should: %s", std)
	}
	padded := base64.StdEncoding.EncodeToString([]byte(fullOfPlus + "  "))
	if !strings.HasSuffix(padded, "==") {
		t.Fatalf("the payload does not need two padding characters: %s", padded)
	}
	raw := strings.TrimRight(padded, "=")
	mixed := strings.Replace(std, "+", "-", 1)
	wrapped := padded[:20] + "\r\n " + padded[20:40] + "\n" + padded[40:]
	tests := map[string]struct {
		value  string
		repair pixel.Repair
	}{
		"standard alphabet":           {std, 0},
		"url alphabet":                {base64.URLEncoding.EncodeToString([]byte(fullOfPlus)), 0},
		"both alphabets":              {mixed, 0},
		"unpadded":                    {raw, 0},
		"padded":                      {padded, 0},
		"partly padded":               {raw + "=", 0},
		"padding escaped":             {url.QueryEscape(padded), 0},
		"padding of mail":             {strings.ReplaceAll(padded, "=", "=3D"), pixel.RepairedBase64},
		"padding of mail, escaped":    {url.QueryEscape(strings.ReplaceAll(padded, "=", "=3D")), pixel.RepairedBase64},
		"equals sign of mail":         {"3D" + std, pixel.RepairedBase64},
		"plus as space":               {strings.ReplaceAll(std, "+", "%20"), pixel.RepairedBase64},
		"plus as raw space":           {strings.ReplaceAll(std, "+", " "), pixel.RepairedBase64},
		"plus escaped":                {strings.ReplaceAll(std, "+", "%2B"), 0},
		"plus escaped, lower case":    {strings.ReplaceAll(std, "+", "%2b"), 0},
		"spaces inside":               {std[:8] + "%20" + std[8:], pixel.RepairedBase64},
		"spaces inside, form":         {url.QueryEscape(std[:8] + " " + std[8:]), pixel.RepairedBase64},
		"spaces inside, plus stays":   {std[:8] + "%20%20" + std[8:12] + "%20" + std[12:], pixel.RepairedBase64},
		"line breaks, raw":            {wrapped, pixel.RepairedBase64},
		"line breaks, escaped":        {url.QueryEscape(wrapped), pixel.RepairedBase64},
		"tabs":                        {"%09" + std[:8] + "\t" + std[8:] + "%09", pixel.RepairedBase64},
		"spaces at the ends":          {"%20%20" + std + "%20", pixel.RepairedBase64},
		"plus at the ends":            {"+" + std + "+", pixel.RepairedBase64},
		"soft line break":             {std[:8] + "=%0D%0A" + std[8:], pixel.RepairedBase64},
		"escaped twice":               {url.QueryEscape(url.QueryEscape(padded)), pixel.RepairedEscaping},
		"escaped twice, wrapped":      {url.QueryEscape(url.QueryEscape(wrapped)), pixel.RepairedEscaping | pixel.RepairedBase64},
		"escaped twice, blank at end": {url.QueryEscape(url.QueryEscape(padded + " ")), pixel.RepairedEscaping | pixel.RepairedBase64},
		"indented, plus as space":     {"%20%20%20" + strings.ReplaceAll(indent(std), "+", "%20"), pixel.RepairedBase64},
		"wrapped at a lost plus":      {wrapAtPlus(std), pixel.RepairedBase64},
		"cut in its padding":          {padded[:len(padded)-1] + "%3", 0},
		"mark before base64":          {"%EF%BB%BF" + raw, pixel.RepairedMark},
		"mark escaped twice":          {"%25EF%25BB%25BF" + raw, pixel.RepairedMark | pixel.RepairedEscaping},
		"byte order mark":             {base64.RawURLEncoding.EncodeToString([]byte("\ufeff" + fullOfPlus)), pixel.RepairedMark},
		"white space around":          {base64.RawURLEncoding.EncodeToString([]byte("\r\n\t " + fullOfPlus + "\n")), 0},
		"JSON, escaped":               {url.QueryEscape(fullOfPlus), 0},
		"JSON, escaped for a path":    {url.PathEscape(fullOfPlus), 0},
		"JSON, raw":                   {fullOfPlus, 0},
		"JSON, escaped twice":         {url.QueryEscape(url.QueryEscape(fullOfPlus)), pixel.RepairedEscaping},
		"JSON after byte order mark":  {url.QueryEscape("\ufeff" + fullOfPlus), pixel.RepairedMark},
		"JSON after a space":          {"+%20" + url.QueryEscape(fullOfPlus), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			event, body := decode(t, pixel.Track, "x=1&data="+test.value+"&y=2", pixel.Facts{})
			if body["userId"] != "u>>>???~~~" || body["event"] != "ÿþ>>>" || body["x"] != "1" || body["y"] != "2" {
				t.Errorf("got %v", body)
			}
			if event.Repairs != test.repair {
				t.Errorf("repairs %q, want %q", event.Repairs, test.repair)
			}
		})
	}
}

func indent(s string) string {
	return s[:16] + "%0D%0A%20%20%20" + s[16:32] + "%0D%0A%20%20%20" + s[32:]
}

// wrapAtPlus breaks the line on both sides of every plus sign, and loses it.
func wrapAtPlus(s string) string {
	return strings.ReplaceAll(s, "+", "%0D%0A%20%0D%0A")
}

func TestFields(t *testing.T) {
	const who = "writeKey=k&userId=u&"
	tests := map[string]struct{ query, want string }{
		"nesting":                     {"properties.subject=The+Electric%20Daily&properties.a.b=1", `{"properties":{"subject":"The Electric Daily","a":{"b":"1"}}}`},
		"text stays text":             {"n=1&t=true&z=null", `{"n":"1","t":"true","z":"null"}`},
		"first of a repeated name":    {"a=1&a=2", `{"a":"1"}`},
		"array":                       {"p.0=a&p.2=c&p.1=b", `{"p":["a","b","c"]}`},
		"array of objects":            {"p.0.id=a&p.1.id=b", `{"p":[{"id":"a"},{"id":"b"}]}`},
		"hole":                        {"p.0=a&p.2=c", `{"p":{"0":"a","2":"c"}}`},
		"from one":                    {"p.1=a", `{"p":{"1":"a"}}`},
		"huge index":                  {"p.999999999=a", `{"p":{"999999999":"a"}}`},
		"leading zero":                {"p.00=a", `{"p":{"00":"a"}}`},
		"mixed names":                 {"p.0=a&p.x=c", `{"p":{"0":"a","x":"c"}}`},
		"root is an object":           {"0=a", `{"0":"a"}`},
		"shorter first":               {"a=1&a.b=2", `{"a":"1"}`},
		"shorter last":                {"a.b=2&a=1&c=3", `{"a":"1","c":"3"}`},
		"shorter last, deep":          {"a.b.c=2&a.b=1&a.d=3", `{"a":{"b":"1","d":"3"}}`},
		"empty segments":              {"a..b=1&.a=1&a.=1&.=1&..=1&=1", `{}`},
		"empty value":                 {"name=&properties.x=", `{"name":"","properties":{"x":""}}`},
		"no equals sign":              {"flag", `{"flag":""}`},
		"empty identity":              {"anonymousId=&groupId=&previousId=&messageId=", `{}`},
		"empty identity, then one":    {"anonymousId=&anonymousId=a", `{"anonymousId":"a"}`},
		"quotes of AMP":               {"a=%22amp-x%22&b=\"amp-y\"&c=%22&d=%22%22", `{"a":"amp-x","b":"amp-y","c":"\"","d":""}`},
		"cache busters":               {"cb=1&cachebuster=2&ord=3&rnd=4&_=5&usqp=6", `{}`},
		"semicolon":                   {"a=1;b=2&c=3", `{"a":"1;b=2","c":"3"}`},
		"bad escapes":                 {"a=100%&b=%zz&c=%4&d=%C3%BC", `{"a":"100%","b":"%zz","c":"%4","d":"ü"}`},
		"amp;":                        {"a=1&amp;b=2&amp;amp;c=3", `{"a":"1","b":"2","c":"3"}`},
		"empty pairs":                 {"&&a=1&&", `{"a":"1"}`},
		"control characters":          {"a=%00%0a%22%5c", `{"a":"\u0000\n\"\\"}`},
		"escaped dots":                {"a%2Eb=1", `{"a":{"b":"1"}}`},
		"many":                        {manyParams(100), manyParamsJSON(100)},
		"dotted name of a known kind": {"properties.userId=", `{"properties":{"userId":""}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, body := decode(t, pixel.Page, who+test.query, pixel.Facts{})
			want := object(t, []byte(test.want))
			for _, ours := range []string{"userId", "messageId", "context", "type", "source", "originalTimestamp", "sentAt", "timestamp", "receivedAt"} {
				delete(body, ours)
			}
			if !reflect.DeepEqual(body, want) {
				t.Errorf("got  %v\nwant %v", body, want)
			}
		})
	}
}

func manyParams(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&a" + strings.Repeat("x", i) + ".b=1&a" + strings.Repeat("x", i) + ".b=2")
	}
	return b.String()
}

func manyParamsJSON(n int) string {
	m := make(map[string]any)
	for i := range n {
		m["a"+strings.Repeat("x", i)] = map[string]string{"b": "1"}
	}
	text, _ := json.Marshal(m)
	return string(text)
}

func TestFieldsBesideData(t *testing.T) {
	object := `{"writeKey":"k","userId":"u","a":1,"o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":0}`
	tests := map[string]struct{ query, want string }{
		"adds":                   {"b=2", `{"userId":"u","a":1,"o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":0,"b":"2"`},
		"wins":                   {"a=2", `{"userId":"u","a":"2","o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":0`},
		"reaches into objects":   {"o.y.w=2&o.v=3&e.e=4", `{"userId":"u","a":1,"o":{"x":[1],"y":{"z":true,"w":"2"},"v":"3"},"p":["q"],"e":{"e":"4"},"\u0066":0`},
		"replaces an array":      {"p.0=r", `{"userId":"u","a":1,"o":{"x":[1],"y":{"z":true}},"p":["r"],"e":{},"\u0066":0`},
		"replaces a scalar":      {"a.b=r", `{"userId":"u","a":{"b":"r"},"o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":0`},
		"finds an escaped name":  {"f=1", `{"userId":"u","a":1,"o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":"1"`},
		"empty identity is none": {"userId=", `{"userId":"u","a":1,"o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":0`},
		"identity wins":          {"userId=v", `{"userId":"v","a":1,"o":{"x":[1],"y":{"z":true}},"p":["q"],"e":{},"\u0066":0`},
	}
	for name, test := range tests {
		for _, query := range []string{data(object) + "&" + test.query, test.query + "&" + data(object)} {
			t.Run(name, func(t *testing.T) {
				event, _ := decode(t, pixel.Page, query, pixel.Facts{})
				if !bytes.HasPrefix(event.Body, []byte(test.want+`,"messageId":`)) {
					t.Errorf("got  %s\nwant %s", event.Body, test.want)
				}
			})
		}
	}
}

// TestEscapedTwice keeps the text of JSON that was form-encoded twice, where a
// plus sign of the inner form is a space.
func TestEscapedTwice(t *testing.T) {
	const client = `{"writeKey":"k","userId":"u","event":"Email Opened + more"}`
	_, body := decode(t, pixel.Track, "data="+url.QueryEscape(url.QueryEscape(client)), pixel.Facts{})
	if body["event"] != "Email Opened + more" {
		t.Errorf("got %q", body["event"])
	}
}

// TestAMP sends what AMP's built-in analytics vendor "segment" makes of a page
// view.
func TestAMP(t *testing.T) {
	_, body := decode(t, pixel.Page, "writeKey=k&context.library.name=amp&anonymousId=%22amp-x%22&context.locale=en-us"+
		"&context.page.path=%2F&context.page.url=https%3A%2F%2Fexample.com%2F&context.page.referrer=&context.page.title=A%20title"+
		"&context.screen.width=1200&context.screen.height=800&name=", pixel.Facts{Referer: "https://other.example/"})
	if body["anonymousId"] != "amp-x" || body["name"] != "" || body["type"] != "page" {
		t.Errorf("got %v", body)
	}
	want := map[string]any{
		"library": map[string]any{"name": "amp"},
		"locale":  "en-us",
		"page":    map[string]any{"path": "/", "url": "https://example.com/", "referrer": "", "title": "A title"},
		"screen":  map[string]any{"width": "1200", "height": "800"},
	}
	if !reflect.DeepEqual(body["context"], want) {
		t.Errorf("context %v\nwant    %v", body["context"], want)
	}
}

func TestContext(t *testing.T) {
	facts := pixel.Facts{IP: netip.MustParseAddr("192.0.2.0"), UserAgent: `UA "1"`, Referer: "https://example.com/a?b"}
	const (
		ip      = `"ip":"192.0.2.0"`
		ua      = `"userAgent":"UA \"1\""`
		page    = `"page":{"url":"https://example.com/a?b"}`
		library = `"library":{"name":"segment_pixel","version":"v1.2.3"}`
	)
	tests := map[string]struct{ context, want string }{
		"none":                 {``, `{` + ip + `,` + ua + `,` + page + `,` + library + `}`},
		"null":                 {`null`, `{` + ip + `,` + ua + `,` + page + `,` + library + `}`},
		"empty":                {`{ }`, `{ ` + ip + `,` + ua + `,` + page + `,` + library + `}`},
		"complete":             {`{"ip":"::1","userAgent":"x","page":{"url":"y"},"library":"z"}`, `{"ip":"::1","userAgent":"x","page":{"url":"y"},"library":"z"}`},
		"null members":         {`{"ip":null,"userAgent":null,"page":null,"library":null}`, `{"ip":null,"userAgent":null,"page":null,"library":null}`},
		"page without url":     {`{"page":{"title":"t"},"a":1}`, `{"page":{"title":"t","url":"https://example.com/a?b"},"a":1,` + ip + `,` + ua + `,` + library + `}`},
		"empty page":           {`{"page":{},"ip":"a"}`, `{"page":{"url":"https://example.com/a?b"},"ip":"a",` + ua + `,` + library + `}`},
		"page of another kind": {`{"page":"p"}`, `{"page":"p",` + ip + `,` + ua + `,` + library + `}`},
		"escaped names":        {`{"\u0069p":"a","page":{"ur\u006c":1}}`, `{"\u0069p":"a","page":{"ur\u006c":1},` + ua + `,` + library + `}`},
		"nested namesakes":     {`{"x":{"ip":1,"url":2}}`, `{"x":{"ip":1,"url":2},` + ip + `,` + ua + `,` + page + `,` + library + `}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := `{"writeKey":"k","userId":"u"}`
			if test.context != "" {
				client = `{"writeKey":"k","userId":"u","context":` + test.context + `}`
			}
			event, _ := decode(t, pixel.Page, data(client), facts)
			if !bytes.Contains(event.Body, []byte(`"context":`+test.want+`,"type"`)) &&
				!bytes.Contains(event.Body, []byte(`"context":`+test.want+`,"messageId"`)) {
				t.Errorf("got %s\nwant context %s", event.Body, test.want)
			}
		})
	}
}

// TestOneUndefinedByteInAHeader sends a header field that is no UTF-8, which
// HTTP allows and JSON does not.
func TestOneUndefinedByteInAHeader(t *testing.T) {
	_, body := decode(t, pixel.Page, "writeKey=k&userId=u", pixel.Facts{UserAgent: "M\xfcller"})
	if got := body["context"].(map[string]any)["userAgent"]; got != "M\ufffdller" {
		t.Errorf("got %q", got)
	}
}

// TestBytesStay proves that values are published as they were sent: numbers of
// any size, escapes, and white space within.
func TestBytesStay(t *testing.T) {
	const fields = `"userId":"\u0075","n":1.0e+2,"big":123456789012345678901234567890,"s":"\u00fc\/ü","o":{ "a" : [ 1 , 2 ] }`
	event, _ := decode(t, pixel.Page, data(`{ "type":"x" , "writeKey":"k",`+fields+`,"receivedAt":"never"}`), pixel.Facts{})
	if !bytes.HasPrefix(event.Body, []byte("{"+fields+`,"messageId":`)) {
		t.Errorf("got %s", event.Body)
	}
	if bytes.Contains(event.Body, []byte("never")) || bytes.Contains(event.Body, []byte("writeKey")) {
		t.Errorf("the body keeps what the envelope replaces: %s", event.Body)
	}
}

func TestIdentityAsNumber(t *testing.T) {
	event, body := decode(t, pixel.Group, data(`{"writeKey":"k","userId":12345678901234567890,"groupId":-1.5}`), pixel.Facts{})
	if body["userId"] != "12345678901234567890" || body["groupId"] != "-1.5" {
		t.Errorf("got %s", event.Body)
	}
	if event.Repairs != pixel.RepairedID {
		t.Errorf("repairs %v", event.Repairs)
	}
}

func TestMessageID(t *testing.T) {
	tests := map[string]struct {
		value string
		kept  bool
	}{
		"text":      {`"abc"`, true},
		"100 bytes": {`"` + strings.Repeat("x", 100) + `"`, true},
		"escaped":   {`"\u0061"`, true},
		"101 bytes": {`"` + strings.Repeat("x", 101) + `"`, false},
		"empty":     {`""`, false},
		"a number":  {`5`, false},
		"null":      {`null`, false},
		"an object": {`{}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			event, body := decode(t, pixel.Page, data(`{"writeKey":"k","userId":"u","messageId":`+test.value+`}`), pixel.Facts{})
			if body["messageId"] != event.MessageID {
				t.Errorf("the body has %v, the event %q", body["messageId"], event.MessageID)
			}
			if isOurs := len(event.MessageID) == 36 && event.MessageID[14] == '7'; isOurs == test.kept {
				t.Errorf("messageId %q", event.MessageID)
			}
			if test.kept {
				var sent string
				if err := json.Unmarshal([]byte(test.value), &sent); err != nil || sent != event.MessageID {
					t.Errorf("messageId %q, sent %q", event.MessageID, sent)
				}
			}
		})
	}
}

func TestTimes(t *testing.T) {
	const now = "2026-03-04T05:06:07.891Z"
	tests := map[string]struct{ sent, original, sentAt, timestamp string }{
		"none":               {``, now, now, now},
		"timestamp":          {`"timestamp":"2026-03-01T00:00:00+01:00"`, "2026-02-28T23:00:00.000Z", now, "2026-02-28T23:00:00.000Z"},
		"original":           {`"originalTimestamp":"2026-03-01T00:00:00Z"`, "2026-03-01T00:00:00.000Z", now, now},
		"both":               {`"originalTimestamp":"2026-03-01T00:00:00Z","timestamp":"2026-03-02T00:00:00Z"`, "2026-03-01T00:00:00.000Z", now, "2026-03-02T00:00:00.000Z"},
		"wrong clock":        {`"originalTimestamp":"2001-01-01T00:00:00Z","sentAt":"2001-01-01T00:00:02.5Z"`, "2001-01-01T00:00:00.000Z", "2001-01-01T00:00:02.500Z", "2026-03-04T05:06:05.391Z"},
		"sent and timestamp": {`"timestamp":"2001-01-01T00:00:00Z","sentAt":"2001-01-01T00:00:01Z"`, "2001-01-01T00:00:00.000Z", "2001-01-01T00:00:01.000Z", "2026-03-04T05:06:06.891Z"},
		"unparsable":         {`"timestamp":"yesterday","sentAt":true,"originalTimestamp":{}`, now, now, now},
		"impossible":         {`"timestamp":"2026-02-30T00:00:00Z"`, now, now, now},
		"null":               {`"timestamp":null,"sentAt":null`, now, now, now},
		"fraction":           {`"timestamp":"2026-03-01T00:00:00.123456789Z"`, "2026-03-01T00:00:00.123Z", now, "2026-03-01T00:00:00.123Z"},
		"a date":             {`"timestamp":"2026-03-01"`, "2026-03-01T00:00:00.000Z", now, "2026-03-01T00:00:00.000Z"},
		"no zone":            {`"timestamp":"2026-03-01T01:02:03"`, "2026-03-01T01:02:03.000Z", now, "2026-03-01T01:02:03.000Z"},
		"zone without colon": {`"timestamp":"2026-03-01T01:02:03.5+0100"`, "2026-03-01T00:02:03.500Z", now, "2026-03-01T00:02:03.500Z"},
		"zero time of Go":    {`"originalTimestamp":"0001-01-01T00:00:00Z","sentAt":"2026-03-04T05:06:07.891Z"`, "0001-01-01T00:00:00.000Z", "2026-03-04T05:06:07.891Z", "0001-01-01T00:00:00.000Z"},
		"beyond year 9999":   {`"originalTimestamp":"9999-01-01T00:00:00Z","sentAt":"2001-01-01T00:00:00Z"`, "9999-01-01T00:00:00.000Z", "2001-01-01T00:00:00.000Z", now},
		"before year 0":      {`"timestamp":"0000-01-01T00:00:00+12:00"`, now, now, now},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := strings.TrimSuffix(`{"writeKey":"k","userId":"u",`+test.sent, ",") + "}"
			_, body := decode(t, pixel.Page, data(client), pixel.Facts{})
			got := [4]any{body["originalTimestamp"], body["sentAt"], body["timestamp"], body["receivedAt"]}
			if want := [4]any{test.original, test.sentAt, test.timestamp, now}; got != want {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestGIF(t *testing.T) {
	all, err := gif.DecodeAll(strings.NewReader(pixel.GIF))
	if err != nil {
		t.Fatal(err)
	}
	if len(pixel.GIF) != 43 || len(all.Image) != 1 {
		t.Fatalf("%d bytes, %d frames", len(pixel.GIF), len(all.Image))
	}
	img := all.Image[0]
	if img.Bounds() != image.Rect(0, 0, 1, 1) {
		t.Errorf("bounds %v", img.Bounds())
	}
	if _, _, _, alpha := img.At(0, 0).RGBA(); alpha != 0 {
		t.Errorf("the pixel is not transparent")
	}
}
