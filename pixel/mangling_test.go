// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/random"
)

// manglings are what happens to the value of data on its way, in the order in which it
// does: to the JSON, to its bytes, to the base64, to the value in the URL, and to the
// query as a whole.
var manglings = []struct {
	name  string
	level int
	apply func(random *rand.Rand, text string) string
}{
	{"trailing comma", 0, func(_ *rand.Rand, s string) string { return strings.TrimSuffix(s, "}") + ",}" }},
	{"text in text", 0, func(_ *rand.Rand, s string) string { quoted, _ := json.Marshal(s); return string(quoted) }},
	{"percent-encoded JSON", 0, func(_ *rand.Rand, s string) string { return url.PathEscape(s) }},
	{"byte order mark", 1, func(_ *rand.Rand, s string) string { return "\ufeff" + s }},
	{"zeros behind", 1, func(_ *rand.Rand, s string) string { return s + "\x00\x00" }},
	{"UTF-16", 1, func(_ *rand.Rand, s string) string {
		var b []byte
		for _, unit := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
		return string(b)
	}},
	{"base64", 2, func(_ *rand.Rand, s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64url", 2, func(_ *rand.Rand, s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{"base64 twice", 2, func(_ *rand.Rand, s string) string {
		return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
	}},
	{"soft line breaks", 3, func(_ *rand.Rand, s string) string { return everySoOften(s, "=\r\n") }},
	{"soft line breaks without breaks", 3, func(_ *rand.Rand, s string) string { return everySoOften(s, "=") }},
	{"escaped line breaks", 3, func(_ *rand.Rand, s string) string { return everySoOften(s, "=0D=0A") }},
	{"zero-width spaces", 3, func(_ *rand.Rand, s string) string { return everySoOften(s, "\u200b") }},
	{"soft hyphens", 3, func(_ *rand.Rand, s string) string { return everySoOften(s, "\u00ad") }},
	{"quotation marks", 3, func(_ *rand.Rand, s string) string { return `"` + s + `"` }},
	{"angle brackets", 3, func(_ *rand.Rand, s string) string { return "<" + s + ">" }},
	{"end of a sentence", 3, func(_ *rand.Rand, s string) string { return s + ")," }},
	{"data URL", 3, func(_ *rand.Rand, s string) string { return "data:application/json;base64," + s }},
	{"references", 3, func(_ *rand.Rand, s string) string {
		return html.EscapeString(strings.NewReplacer("=", "&#61;", "+", "&#43;").Replace(s))
	}},
	{"escaped once more", 4, func(_ *rand.Rand, s string) string { return url.QueryEscape(s) }},
	{"campaign", 5, func(_ *rand.Rand, s string) string { return s + "?utm_source=x" }},
	{"escaped campaign", 5, func(_ *rand.Rand, s string) string { return s + "%3Futm_source%3Dx" }},
	{"fragment", 5, func(_ *rand.Rand, s string) string { return s + "%23top" }},
	{"escaped as a whole", 6, func(_ *rand.Rand, s string) string { return url.QueryEscape(s) }},
}

func everySoOften(s, between string) string {
	var b strings.Builder
	for len(s) > 23 {
		b.WriteString(s[:23] + between)
		s = s[23:]
	}
	return b.String() + s
}

// TestAnyTwoManglings is the property behind the repairs: any event, put through any two
// of the manglings, is read as the same event or rejected, and never as another one.
func TestAnyTwoManglings(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	read, all := make(map[string]int), 0
	for i, first := range manglings {
		for j := i; j < len(manglings); j++ {
			second := manglings[j]
			for range 20 {
				client := random.Object(rng, 3)
				client["writeKey"], client["userId"] = "k", "u"
				text, err := json.Marshal(client)
				if err != nil {
					t.Fatal(err)
				}
				all++
				if sameOrRejected(t, client, mangle(rng, string(text), i, j)) {
					read[first.name+" and "+second.name]++
				} else if first.level != second.level {
					t.Logf("rejected: %s and %s", first.name, second.name)
				}
			}
		}
	}
	sum := 0
	for _, n := range read {
		sum += n
	}
	t.Logf("read %d of %d", sum, all)
	if sum < all*3/4 {
		t.Errorf("only %d of %d were read", sum, all)
	}
}

// mangle applies the manglings with these positions. JSON that nothing encodes is
// encoded as base64.
func mangle(random *rand.Rand, text string, positions ...int) string {
	const toBase64, toQuery, whole = 2, 4, 6
	encoded, escaped := false, false
	query := func(s string) string { return "data=" + s }
	for n, p := range positions {
		if n > 0 && p == positions[n-1] {
			continue
		}
		m := manglings[p]
		if m.level > toBase64 && !encoded {
			text, encoded = base64.StdEncoding.EncodeToString([]byte(text)), true
		}
		if m.level >= toQuery && !escaped {
			text, escaped = url.QueryEscape(text), true
		}
		encoded = encoded || m.level == toBase64
		if m.level == whole {
			text = query(text)
			query = func(s string) string { return s }
		}
		text = m.apply(random, text)
	}
	if !encoded {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if !escaped {
		text = url.QueryEscape(text)
	}
	return query(text)
}

// sameOrRejected tells whether the query was accepted, as what the client sent.
func sameOrRejected(t *testing.T, client map[string]any, query string) bool {
	t.Helper()
	decoder := newDecoder()
	event, rejection := decoder.Decode(pixel.Identify, query, &pixel.Facts{Received: received})
	if rejection != nil {
		return false
	}
	defer event.Release()
	var body map[string]any
	if err := json.Unmarshal(event.Body, &body); err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{"messageId", "context", "type", "source", "originalTimestamp", "sentAt", "timestamp", "receivedAt"} {
		delete(body, ours)
	}
	text, _ := json.Marshal(client)
	if want := object(t, text); !equalBut(want, body, "writeKey") {
		t.Errorf("%s\ngot  %v\nwant %v", query, body, want)
	}
	return true
}

// TestNothingIsGuessed cuts and lower-cases payloads, which no repair may read.
func TestNothingIsGuessed(t *testing.T) {
	decoder := newDecoder()
	decoder.Source = func(string) (string, bool) { return "web", true }
	whole := `{"writeKey":"k","userId":"u","event":"e","properties":{"a":[1,2,{"b":"}"}],"c":"\"}"},"z":"?x=1&y=2#"}`
	accepts := func(what, query string) {
		t.Helper()
		if event, _ := decoder.Decode(pixel.Track, query, &pixel.Facts{Received: received}); event != nil {
			t.Errorf("%s is accepted as %s: %s", what, event.Body, query)
			event.Release()
		}
	}
	for n := range len(whole) {
		accepts("cut JSON", "data="+base64.RawURLEncoding.EncodeToString([]byte(whole[:n])))
		accepts("cut plain JSON", "data="+url.QueryEscape(whole[:n]))
	}
	encoded := base64.RawURLEncoding.EncodeToString([]byte(whole))
	for n := range len(encoded) - 2 { // the last digits hold nothing but the brace
		accepts("cut base64", "data="+encoded[:n])
	}
	accepts("lower-cased base64", "data="+strings.ToLower(encoded))
	accepts("single quotes", "data="+url.QueryEscape(strings.ReplaceAll(whole, `"`, "'")))
	accepts("no quotes", "data="+url.QueryEscape("{writeKey:k,userId:u,event:e}"))
}
