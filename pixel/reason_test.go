// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

func TestReasons(t *testing.T) {
	const ok = `{"writeKey":"k","userId":"u"}`
	tests := []struct {
		name  string
		typ   pixel.Type
		query string
		want  pixel.Reason
	}{
		{"no query", pixel.Page, "", pixel.NoData},
		{"empty data", pixel.Page, "data=", pixel.NoData},
		{"data of white space", pixel.Page, "data=%20+%0A", pixel.NoData},
		{"only ignored parameters", pixel.Page, "cb=1&_=2", pixel.NoData},
		{"only empty identities", pixel.Page, "userId=&writeKey=", pixel.NoData},
		{"white space beside fields", pixel.Page, "data=%20&writeKey=k&userId=u", pixel.Accepted},

		{"punctuation", pixel.Page, "data=!!!", pixel.BadBase64},
		{"text with punctuation", pixel.Page, "data=not%20base64!", pixel.BadBase64},
		{"a vertical tab", pixel.Page, "data=eyJ3%0Bcml0", pixel.BadBase64},
		{"a byte that is no ASCII", pixel.Page, "data=eyJ3%FFcml0", pixel.BadBase64},
		{"padding inside", pixel.Page, "data=eyJ3==cml0", pixel.BadBase64},
		{"escaped three times", pixel.Page, "data=" + url.QueryEscape(url.QueryEscape(url.QueryEscape("e+J="))), pixel.BadBase64},

		{"one digit left over", pixel.Page, "data=eyJ3c", pixel.Truncated},
		{"base64 cut between bytes", pixel.Track, "data=" + segmentSample[:len(segmentSample)-4], pixel.Truncated},
		{"JSON cut", pixel.Page, "data=" + url.QueryEscape(`{"writeKey":"k","userId":"u`), pixel.Truncated},
		{"JSON cut in a character", pixel.Page, data(`{"writeKey":"k","userId":"` + "ü"[:1]), pixel.Truncated},
		{"JSON cut in an escape", pixel.Page, "data=" + url.QueryEscape(`{"writeKey":"k","userId":"u`) + "%2", pixel.Truncated},
		{"JSON cut before an escape", pixel.Page, "data=%7B%", pixel.Truncated},
		{"JSON cut in an escaped character", pixel.Page, "data=" + url.QueryEscape(`{"writeKey":"k","userId":"`) + "%C3%", pixel.Truncated},
		{"only padding", pixel.Page, "data=====", pixel.NoData},

		{"latin-1 before too deep", pixel.Page, "writeKey=k&userId=%FF&a" + strings.Repeat(".a", 64) + "=1", pixel.NotUTF8},

		{"no quotes", pixel.Page, data(`{writeKey:"k"}`), pixel.BadJSON},
		{"something behind", pixel.Page, data(ok + "x"), pixel.BadJSON},
		{"a second object", pixel.Page, data(ok + ok), pixel.BadJSON},
		{"a repeated name", pixel.Page, data(`{"writeKey":"k","userId":"u","userId":"v"}`), pixel.BadJSON},
		{"a repeated name, escaped", pixel.Page, data(`{"writeKey":"k","userId":"u","\u0075serId":"v"}`), pixel.BadJSON},
		{"a repeated name below", pixel.Page, data(`{"writeKey":"k","userId":"u","a":[{"b":1,"b":2}]}`), pixel.BadJSON},

		{"an array", pixel.Page, data(`[1]`), pixel.NotObject},
		{"a text", pixel.Page, data(`"HELLO"`), pixel.NotObject},
		{"null", pixel.Page, data(`null`), pixel.NotObject},
		{"a cut array", pixel.Page, data(`[1,`), pixel.Truncated},

		{"64 levels", pixel.Page, data(`{"writeKey":"k","userId":"u","x":` + nested(63) + `}`), pixel.Accepted},
		{"65 levels", pixel.Page, data(`{"writeKey":"k","userId":"u","x":` + nested(64) + `}`), pixel.TooDeep},
		{"65 levels of arrays", pixel.Page, data(`{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`), pixel.TooDeep},
		{"brackets in text", pixel.Page, data(`{"writeKey":"k","userId":"\"` + strings.Repeat("[", 100) + `"}`), pixel.Accepted},
		{"20,000 levels", pixel.Page, data(nested(20_000)), pixel.TooDeep},
		{"a field of 64 levels", pixel.Page, "writeKey=k&userId=u&a" + strings.Repeat(".a", 63) + "=1", pixel.Accepted},
		{"a field of 65 levels", pixel.Page, "writeKey=k&userId=u&a" + strings.Repeat(".a", 64) + "=1", pixel.TooDeep},

		{"a deep field beside a scalar", pixel.Page, "writeKey=k&userId=u&a=1&a" + strings.Repeat(".a", 64) + "=1", pixel.Accepted},
		{"a scalar beside a deep field", pixel.Page, "writeKey=k&userId=u&a" + strings.Repeat(".a", 64) + "=1&a=1", pixel.Accepted},
		{"more fields than an event may hold", pixel.Page, "writeKey=k&userId=u" + manyParams(500), pixel.TooLarge},

		{"the largest", pixel.Page, data(sized(pixel.DefaultMaxEventSize)), pixel.Accepted},
		{"one byte more", pixel.Page, data(sized(pixel.DefaultMaxEventSize + 1)), pixel.TooLarge},
		{"one byte more by a field", pixel.Page, data(sized(pixel.DefaultMaxEventSize)) + "&a=", pixel.TooLarge},

		{"lower-cased", pixel.Track, "data=" + strings.ToLower(segmentSample), pixel.CaseMangled},
		{"lower-cased JSON is JSON", pixel.Page, "data=" + url.QueryEscape(`{"writekey":"k"}`), pixel.NoWriteKey},

		{"no write key", pixel.Page, data(`{"userId":"u"}`), pixel.NoWriteKey},
		{"empty write key", pixel.Page, data(`{"writeKey":"","userId":"u"}`), pixel.NoWriteKey},
		{"write key of another type", pixel.Page, data(`{"writeKey":5,"userId":"u"}`), pixel.NoWriteKey},
		{"unknown write key", pixel.Page, data(`{"writeKey":"K","userId":"u"}`), pixel.UnknownWriteKey},
		{"escaped write key", pixel.Page, data(`{"writeKey":"\u006b","userId":"u"}`), pixel.Accepted},

		{"nobody", pixel.Page, data(`{"writeKey":"k"}`), pixel.NoIdentity},
		{"empty identities", pixel.Page, data(`{"writeKey":"k","userId":"","anonymousId":""}`), pixel.NoIdentity},
		{"null identities", pixel.Page, data(`{"writeKey":"k","userId":null,"anonymousId":null}`), pixel.NoIdentity},
		{"null beside an identity", pixel.Page, data(`{"writeKey":"k","userId":null,"anonymousId":"a"}`), pixel.Accepted},
		{"zero is somebody", pixel.Page, data(`{"writeKey":"k","userId":0}`), pixel.Accepted},
		{"true is nobody's name", pixel.Page, data(`{"writeKey":"k","userId":true}`), pixel.BadType},
		{"a wrong type beside a good one", pixel.Page, data(`{"writeKey":"k","userId":[],"anonymousId":"a"}`), pixel.BadType},

		{"no event", pixel.Track, data(ok), pixel.NoEvent},
		{"empty event", pixel.Track, data(`{"writeKey":"k","userId":"u","event":""}`), pixel.NoEvent},
		{"event of another type", pixel.Track, data(`{"writeKey":"k","userId":"u","event":1}`), pixel.NoEvent},
		{"no identity before no event", pixel.Track, data(`{"writeKey":"k"}`), pixel.NoIdentity},
		{"no group", pixel.Group, data(ok), pixel.NoGroupID},
		{"empty group", pixel.Group, data(`{"writeKey":"k","userId":"u","groupId":""}`), pixel.NoGroupID},
		{"group of another type", pixel.Group, data(`{"writeKey":"k","userId":"u","groupId":{}}`), pixel.BadType},
		{"alias", pixel.Alias, data(`{"writeKey":"k","userId":"u","previousId":"p"}`), pixel.Accepted},
		{"alias of an anonymous", pixel.Alias, data(`{"writeKey":"k","userId":"u","anonymousId":"p"}`), pixel.Accepted},
		{"alias without userId", pixel.Alias, data(`{"writeKey":"k","anonymousId":"a","previousId":"p"}`), pixel.NoPreviousID},
		{"alias of nobody", pixel.Alias, data(ok), pixel.NoPreviousID},

		{"properties", pixel.Page, data(`{"writeKey":"k","userId":"u","properties":[]}`), pixel.BadType},
		{"traits", pixel.Page, data(`{"writeKey":"k","userId":"u","traits":"x"}`), pixel.BadType},
		{"context", pixel.Page, data(`{"writeKey":"k","userId":"u","context":1}`), pixel.BadType},
		{"integrations", pixel.Page, data(`{"writeKey":"k","userId":"u","integrations":true}`), pixel.BadType},
		{"event of a page", pixel.Page, data(`{"writeKey":"k","userId":"u","event":1}`), pixel.BadType},
		{"name", pixel.Page, data(`{"writeKey":"k","userId":"u","name":{}}`), pixel.BadType},
		{"category", pixel.Page, data(`{"writeKey":"k","userId":"u","category":1}`), pixel.BadType},
		{"properties as a field", pixel.Page, "writeKey=k&userId=u&properties=x", pixel.BadType},
		{"null objects", pixel.Page, data(`{"writeKey":"k","userId":"u","properties":null,"traits":null}`), pixel.Accepted},
	}
	seen := make(map[pixel.Reason]bool)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			facts := pixel.Facts{Received: received}
			event, rejection := newDecoder().Decode(test.typ, test.query, &facts)
			if event != nil {
				event.Release()
			}
			if test.want != pixel.Accepted {
				seen[test.want] = true
				wantReason(t, rejection, test.want)
			} else if rejection != nil {
				t.Errorf("refused: %v (%s)", rejection.Reason, rejection.Detail)
			}
		})
	}
	elsewhere := []pixel.Reason{pixel.Method, pixel.UnknownRoute, pixel.NotSealed, pixel.BadSeal, pixel.GPC, pixel.DNT, pixel.Suppressed, pixel.Undeliverable}
	for _, reason := range pixel.Reasons() {
		if !seen[reason] && !slices.Contains(elsewhere, reason) {
			t.Errorf("nothing tests %v", reason)
		}
	}
}

// sized returns a valid object of exactly so many bytes.
func sized(bytes int) string {
	const frame = `{"writeKey":"k","userId":"u","x":""}`
	return strings.Replace(frame, `""`, `"`+strings.Repeat("x", bytes-len(frame))+`"`, 1)
}

// TestRejection says what a refused request carries on: who sent it as far as
// that is known, its query within bounds, and nothing once it opted out.
func TestRejection(t *testing.T) {
	long := "writeKey=k&x=" + strings.Repeat("y", pixel.MaxRejectedQuery)
	_, rejection := newDecoder().Decode(pixel.Page, long, &pixel.Facts{})
	if rejection.Source != "web" || rejection.Type != pixel.Page || rejection.Query != long[:pixel.MaxRejectedQuery] {
		t.Errorf("got source %q, type %v, %d bytes of the query", rejection.Source, rejection.Type, len(rejection.Query))
	}

	for _, signal := range []pixel.Reason{pixel.GPC, pixel.DNT} {
		facts := &pixel.Facts{OptOut: signal}
		_, rejection = newDecoder().Decode(pixel.Page, "writeKey=k&userId=u", facts)
		if rejection.Reason != signal || rejection.Query != "" || rejection.Source != "web" {
			t.Errorf("%v: got %+v", signal, rejection)
		}
		_, rejection = newDecoder().Decode(pixel.Page, "writeKey=k", facts)
		if rejection.Reason != pixel.NoIdentity || rejection.Query != "" {
			t.Errorf("%v, nobody: got %+v", signal, rejection)
		}
	}
}

// TestDetailsHoldNoPayload refuses payloads full of a marker and looks for it.
func TestDetailsHoldNoPayload(t *testing.T) {
	const marker = "SECRET"
	for _, query := range []string{
		"data=" + marker, "data=!" + marker, "data=" + base64.RawURLEncoding.EncodeToString([]byte(marker)),
		data(`{"` + marker + `":1,"` + marker + `":2}`), data(`{"` + marker + `":` + marker), data(`{"` + marker + `":1}` + marker),
		data(`"` + marker + `"`), data(`{"writeKey":"` + marker + `"}`), marker + "=" + marker, marker + ".%ff=" + marker,
	} {
		_, rejection := newDecoder().Decode(pixel.Page, query, &pixel.Facts{})
		if rejection == nil {
			t.Fatalf("%s: accepted", query)
		}
		if strings.Contains(rejection.Detail, marker) || rejection.Detail == "" {
			t.Errorf("%s: %v: %q", query, rejection.Reason, rejection.Detail)
		}
	}
}

func TestNames(t *testing.T) {
	names := map[string]bool{"accepted": true, "unknown": true, "": true}
	for _, reason := range pixel.Reasons() {
		if name := reason.String(); names[name] {
			t.Errorf("reason %d is called %q", reason, name)
		} else {
			names[name] = true
		}
	}
	for _, typ := range pixel.Types() {
		if pixel.ParseType(strings.ToUpper(typ.String())) != typ {
			t.Errorf("%v is not found by its name in upper case", typ)
		}
	}
	for _, none := range []string{"", "trac\u212a", "\u017fcreen", "tracks", "trac", "track/", "batch"} {
		if pixel.ParseType(none) != pixel.NoType {
			t.Errorf("%q is a type", none)
		}
	}
	if got := (pixel.RepairedBase64 | pixel.RepairedTime).String(); got != "base64,time" {
		t.Errorf("got %q", got)
	}
}
