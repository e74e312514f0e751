// SPDX-License-Identifier: Apache-2.0

package link_test

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/random"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
)

var decoder = pixel.Decoder{
	Ignored: map[string]struct{}{"cb": {}},
	Source:  func(key string) (string, bool) { return "web", key == "k" },
}

func object(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("no JSON object: %v\n%s", err, text)
	}
	return m
}

// TestComposed is the property behind composing: decoding gives the same fields,
// through a URL and the HTML around it.
func TestComposed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		client := random.Object(rng, 4)
		client["writeKey"], client["userId"] = "k", "u"
		text, err := json.Marshal(client)
		if err != nil {
			t.Fatal(err)
		}
		client = object(t, text)
		composed, err := link.Data(text)
		if err != nil {
			t.Fatal(err)
		}
		checkComposed(t, composed, client)

		fields, keep := asFields(client)
		if composed, err = link.Fields(text, decoder.Ignored); err != nil {
			t.Fatal(err)
		}
		if keep != (len(composed.Notes) == 0) {
			t.Errorf("%s: notes %q", text, composed.Notes)
		}
		checkComposed(t, composed, fields.(map[string]any))
	}
}

func checkComposed(t *testing.T, composed *link.Composition, want map[string]any) {
	t.Helper()
	url, err := composed.URL("https://example.com", "/v1/pixel", pixel.Identify)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{url, link.ImageTag(url)} {
		target, err := link.Parse(form)
		if err != nil || target.Query != composed.Query || target.Path != "/v1/pixel/identify" || target.Host != "example.com" {
			t.Fatalf("%s is %+v, %v", form, target, err)
		}
	}
	event, rejection := decoder.Decode(pixel.Identify, composed.Query, &pixel.Facts{Received: time.Now()})
	if rejection != nil {
		t.Fatalf("refused: %v (%s)", rejection.Reason, rejection.Detail)
	}
	defer event.Release()
	got := object(t, event.Body)
	for _, ours := range []string{"messageId", "context", "type", "source", "originalTimestamp", "sentAt", "timestamp", "receivedAt"} {
		delete(got, ours)
	}
	delete(want, "writeKey")
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\ngot  %v\nwant %v", composed.Query, got, want)
	}
}

// asFields is what remains of a value when all of it has to be text, and whether
// that is the same. It returns nil where nothing remains.
func asFields(value any) (remains any, same bool) {
	switch v := value.(type) {
	case nil:
		return nil, false
	case string:
		return v, true
	case map[string]any:
		all, same := make(map[string]any), true
		for name, value := range v {
			remains, kept := asFields(value)
			same = same && kept
			if remains != nil {
				all[name] = remains
			}
		}
		if len(all) == 0 {
			return nil, false
		}
		return all, same
	case []any:
		return elementsAsFields(v)
	default:
		text, _ := json.Marshal(v)
		return string(text), false
	}
}

// elementsAsFields keeps an array whole, or makes an object of it when something is
// missing but at its end.
func elementsAsFields(elements []any) (remains any, same bool) {
	var all []any
	sparse := make(map[string]any)
	same = true
	for i, element := range elements {
		remains, kept := asFields(element)
		same = same && kept
		if remains != nil {
			all = append(all, remains)
			sparse[strconv.Itoa(i)] = remains
		}
	}
	for i := range all {
		if sparse[strconv.Itoa(i)] == nil {
			return sparse, false
		}
	}
	if len(all) == 0 {
		return nil, false
	}
	return all, same
}

func TestComposedFields(t *testing.T) {
	tests := map[string]struct {
		object, query string
		notes         []string // parts of them
	}{
		"texts":           {`{"writeKey":"k","properties":{"subject":"Hello & + ü","a":["x","y"]}}`, "writeKey=k&properties.subject=Hello%20%26%20%2B%20%C3%BC&properties.a.0=x&properties.a.1=y", nil},
		"merge tags":      {`{"a":"{{user.id}}","b":"Hi *|FNAME|*, you & %%x%%","c":"${id}","d":"{% if a %}1{% endif %}","e":"[[data:id]]","f":"{{${braze}}}"}`, "a={{user.id}}&b=Hi%20*|FNAME|*%2C%20you%20%26%20%%x%%&c=${id}&d={% if a %}1{% endif %}&e=[[data:id]]&f={{${braze}}}", nil},
		"no merge tags":   {`{"a":"100% {of} it","b":"[[1]]"}`, "a=100%25%20%7Bof%7D%20it&b=%5B%5B1%5D%5D", nil},
		"no text":         {`{"n":1.50,"t":true,"z":null}`, "n=1.50&t=true", []string{"n is a number and becomes text", "t is true or false and becomes text", "z is null"}},
		"nothing":         {`{"o":{},"a":[],"userId":""}`, "", []string{"o is an empty object", "a is an empty array", "userId is empty, which means absent"}},
		"an empty text":   {`{"name":"","p":{"userId":""}}`, "name=&p.userId=", nil},
		"numbered names":  {`{"o":{"0":"a","1":"b"}}`, "o.0=a&o.1=b", []string{"o is an object whose names are numbers"}},
		"quotes":          {`{"a":"\"x\"","b":"\"","c":"\"\""}`, "a=%22%22x%22%22&b=%22&c=%22%22%22%22", nil},
		"amp;":            {`{"amp;a":"x"}`, "amp%3Bamp%3Ba=x", nil},
		"odd names":       {`{"a=b&c":"x"," ":"y"}`, "a%3Db%26c=x&%20=y", nil},
		"an empty object": {`{}`, "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			composed, err := link.Fields([]byte(test.object), nil)
			if err != nil {
				t.Fatal(err)
			}
			if composed.Query != test.query {
				t.Errorf("got  %s\nwant %s", composed.Query, test.query)
			}
			if !slices.EqualFunc(composed.Notes, test.notes, strings.Contains) {
				t.Errorf("got notes %q", composed.Notes)
			}
		})
	}
}

func TestComposeErrors(t *testing.T) {
	tests := map[string]struct{ object, data, fields string }{
		"no object":      {`[1]`, "no JSON object", "no JSON object"},
		"no JSON":        {`{x}`, "no strict JSON", "no strict JSON"},
		"nothing":        {``, "no strict JSON", "no strict JSON"},
		"cut":            {`{"a":[1`, "no strict JSON", "no strict JSON"},
		"cut in a name":  {`{"a`, "no strict JSON", "no strict JSON"},
		"cut later":      {`{"a":1`, "no strict JSON", "no strict JSON"},
		"repeated":       {`{"a":"1","a":"2"}`, "no strict JSON", "no strict JSON"},
		"more":           {`{}x`, "no strict JSON", "something follows"},
		"a dot":          {`{"a":{"b.c":"1"}}`, "", `"b.c" has a dot`},
		"an empty name":  {`{"a":{"":"1"}}`, "", `a name below "a" is empty`},
		"called data":    {`{"data":"1"}`, "", "cannot be called data"},
		"an ignored one": {`{"cb":"1"}`, "", "cannot be called cb, which the server ignores"},
		"too deep":       {strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "", "deeper than 64 levels"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := link.Data([]byte(test.object))
			wantError(t, err, test.data)
			_, err = link.Fields([]byte(test.object), decoder.Ignored)
			wantError(t, err, test.fields)
		})
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if (err == nil) != (part == "") || err != nil && !strings.Contains(err.Error(), part) {
		t.Errorf("got %v, want %q", err, part)
	}
}

func TestComposedDataHidesMergeTags(t *testing.T) {
	composed, err := link.Data([]byte(`{ "userId": "{{user.id}}" }`))
	if err != nil || composed.Query != "data="+base64.RawURLEncoding.EncodeToString([]byte(`{"userId":"{{user.id}}"}`)) {
		t.Errorf("got %+v, %v", composed, err)
	}
	if len(composed.Notes) != 1 || !strings.Contains(composed.Notes[0], "{{user.id}}") {
		t.Errorf("got notes %q", composed.Notes)
	}
}

func TestPixelURL(t *testing.T) {
	const path = "/v1/pixel/track?a=1"
	tests := map[string]struct{ base, prefix, want string }{
		"a site":        {"https://example.com", "/v1/pixel", "https://example.com" + path},
		"a slash":       {"https://example.com/", "/v1/pixel/", "https://example.com" + path},
		"a port":        {"http://localhost:8080", "/v1/pixel", "http://localhost:8080" + path},
		"a folder":      {"https://example.com/my%20site/", "v1/pixel", "https://example.com/my%20site" + path},
		"no prefix":     {"https://example.com", "/", "https://example.com/track?a=1"},
		"no scheme":     {"example.com", "/v1/pixel", ""},
		"no host":       {"https:///x", "/v1/pixel", ""},
		"a mail":        {"mailto:a@example.com", "/v1/pixel", ""},
		"another":       {"ftp://example.com", "/v1/pixel", ""},
		"a query":       {"https://example.com?a=1", "/v1/pixel", ""},
		"a fragment":    {"https://example.com#a", "/v1/pixel", ""},
		"a login":       {"https://u:p@example.com", "/v1/pixel", ""},
		"broken escape": {"https://example.com/%zz", "/v1/pixel", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := (&link.Composition{Query: "a=1"}).URL(test.base, test.prefix, pixel.Track)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestImageTag(t *testing.T) {
	got := link.ImageTag(`https://example.com/?a="<&>&b={{ x | default: "&" }}`)
	const want = `<img src="https://example.com/?a=&quot;&lt;&amp;&gt;&amp;b={{ x | default: "&" }}" width="1" height="1" alt="" style="border:0">`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
