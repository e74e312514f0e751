// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// lines breaks base64 as MIME encoders do.
func lines(s string) string {
	var b strings.Builder
	for text := std(s); text != ""; {
		n := min(len(text), 76)
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.String()
}

// TestMixtures has what has gone wrong in two ways, or in a place where it is rarer.
func TestMixtures(t *testing.T) {
	const object = `{"writeKey":"WK_A","userId":"u1","event":"E","properties":{"s":"a?b>c~"}}`
	e := std(object)
	jsEscaped := `%7B%22writeKey%22%3A%22WK_A%22%2C%22userId%22%3A%22J%F6rg%u2019s%22%2C%22event%22%3A%22%E9%u20AC%22%7D`
	wide := strings.ReplaceAll(jsEscaped, "%F6", "o")
	wide = strings.ReplaceAll(wide, "%E9", "e")
	wideText, utf := strings.NewReplacer("%7B", "{", "%22", `"`, "%3A", ":", "%2C", ",", "%7D", "}").Replace(wide), "\xff\xfe"
	for _, c := range []byte(object) {
		utf += string([]byte{c, 0})
	}
	percent := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteString("%" + string("0123456789ABCDEF"[c>>4]) + string("0123456789ABCDEF"[c&15]))
		}
		return b.String()
	}
	for _, test := range []struct{ name, query, want string }{
		// JavaScript's escape writes Latin-1 with two digits, and all else with four.
		{"escape", "writeKey=WK_A&event=E&userId=J%F6rg%u2019s", `userId = "Jörg’s"`},
		{"escape", "writeKey=WK_A&userId=u1&event=%E9%u20AC", `event = "é€"`},
		{"escape in data", "data=" + jsEscaped, `userId = "Jörg’s"; event = "é€"`},
		{"escape in data, encoded again", "data=" + url.QueryEscape(jsEscaped), `userId = "Jörg’s"; event = "é€"`},
		{"escape in base64", "data=" + b64(jsEscaped), `userId = "Jörg’s"; event = "é€"`},
		{"four digits alone, encoded again", "data=" + url.QueryEscape(wide), `userId = "Jorg’s"; event = "e€"`},
		{"UTF-8 beside four digits", "writeKey=WK_A&userId=u1&event=%C3%A9%u20AC", `event = "é€"`},
		{"four digits in base64 are text", "data=" + b64(wideText), `event = "e%u20AC"`},

		{"two references", "writeKey=WK_A&event=Caf&eacute;&amp;userId=u1", `event = "Café"; userId = "u1"`},
		{"two references", "writeKey=WK_A&event=E&userId=J&ouml;rg&amp;cb=1", `userId = "Jörg"`},
		{"two references", "data=" + strings.ReplaceAll(e, "=", "&#x3D;") + "&amp;cb=1", `userId = "u1"`},

		{"fragment behind the second query", "data=" + e + "?utm_source=a&utm_medium=b#top", `context.campaign = {"source":"a","medium":"b"}`},
		{"two question marks", "data=" + e + "??utm_source=a", `context.campaign = {"source":"a"}; ?utm_source = -`},
		{"a third query", "data=" + e + "?utm_source=a?utm_medium=b", `context.campaign = {"source":"a","medium":"b"}`},
		{"a question mark in front", "?data=" + e, `userId = "u1"`},
		{"a question mark in front", "%3Fdata=" + e, `userId = "u1"`},
		{"a question mark in front", "?cb=1&data=" + e, `userId = "u1"; ?cb = -`},
		{"a question mark in front", "?writeKey=WK_A&userId=u1&event=E", `userId = "u1"`},
		{"behind the write key", "userId=u1&event=E&writeKey=WK_A?utm_source=news", `context.campaign.source = "news"`},
		{"behind the write key", "userId=u1&event=E&writeKey=WK_A%3Futm_source%3Dnews", `context.campaign.source = "news"`},
		{"behind the write key", "userId=u1&event=E&writeKey=WK_A#top", `userId = "u1"`},
		{"fields behind the second question mark", "x=1?writeKey=WK_A&userId=u1&event=E", `userId = "u1"; x = "1"`},
		{"fields behind an ignored one", "cb=1?writeKey=WK_A&userId=u1&event=E", `userId = "u1"`},
		{"the rest encoded", "data=" + e + "%26cb=1", `userId = "u1"`},
		{"the rest encoded", "data=" + e + "%26x%3D1", `userId = "u1"; x = "1"`},
		{"the rest encoded", "writeKey=WK_A%26userId=u1%26event=E", `userId = "u1"; event = "E"`},

		{"a character that stands for others", "data=" + b64(`{"writeKey":"WK_A","event":"E","userId":"u1\ufffd"}`), `userId = "u1\ufffd"`},
		{"half an emoji", "data=" + b64(`{"writeKey":"WK_A","event":"E","userId":"Bob \ud83d"}`), `userId = "Bob \ufffd"`},

		{"tag like an escape", "writeKey=WK_A&event=E&userId=%%DeliveryID%%", "rejected no_identity"},
		{"tag like an escape", "writeKey=WK_A&event=E&userId=%ADDRESS%&anonymousId=%%Account%%", "rejected no_identity"},
		{"tag like an escape", "writeKey=WK_A&userId=u1&event=For %%address%%!", `event = "For %%address%%!"`},
		{"tag like an escape", "writeKey=WK_A&userId=u1&event=caf%E9+%%address%%", `event = "café %%address%%"`},

		{"form encoding in base64", "data=" + b64(url.QueryEscape(strings.Replace(object, `"E"`, `"Email Opened"`, 1))), `event = "Email Opened"`},
		{"encodeURI in base64", "data=" + b64(`%7B%22writeKey%22:%22WK_A%22,%22userId%22:%22u+1%22,%22event%22:%22E%22%7D`), `userId = "u+1"`},
		{"mail in fields", "writeKey=3DWK_A&userId=3Duser=3D12345&event=3DCaf=C3=A9=20x", `userId = "user=12345"; event = "Café x"`},
		{"mail in fields", "writeKey=3DWK_A&userId=3Du=%0D%0A1&event=3DE", `userId = "u1"`},
		{"mail in fields", "writeKey=3DWK_A&userId=3Duser=12345&event=3DE", `userId = "user12345"`},

		{"twice with lines", "data=" + std(lines(object)), `userId = "u1"`},
		{"lines in a text in JSON", "data=" + b64(`"`+strings.ReplaceAll(lines(object), "\r\n", `\n`)+`"`), `userId = "u1"`},
		{"UTF-16 without base64", "data=" + percent(utf), `userId = "u1"`},
		{"UTF-16 without base64", "data=" + percent(utf[2:]), `userId = "u1"`},
		{"broken lines and a comma", "data=" + strings.ReplaceAll(lines(strings.Replace(object, "}}", "},}", 1)), "\r\n", "%20"), `userId = "u1"`},
		{"NUL and a line", "data=" + b64(object+"\x00\n"), `userId = "u1"`},
		{"soft break as a space", "data=" + e[:20] + "=%20" + e[20:], `userId = "u1"`},

		{"letters and a second query", "data=" + strings.ToLower(e) + "?utm_source=x", "rejected case_mangled"},
		{"letters and a second query", "DATA=" + strings.ToLower(e) + "?utm_source=x", "rejected case_mangled"},
		{"name and a second query", "Data=" + e + "?utm_source=x", `userId = "u1"; context.campaign.source = "x"`},
		{"letters and the rest encoded", "data=" + strings.ToLower(e) + "%26cb%3d1", "rejected case_mangled"},
		{"array", "data=%5B1%2C2%5D", "rejected not_object"},
		{"array", `data=[{"a":1},{"a":2}]`, "rejected not_object"},
		{"array", "data=[" + url.QueryEscape(object) + "]", "rejected not_object"},
		{"array", "data=" + base64.StdEncoding.EncodeToString([]byte("["+object+"]")), "rejected not_object"},

		{"null in the campaign", "data=" + b64(`{"writeKey":"WK_A","userId":"u1","event":"E","context":{"campaign":{"name":null}}}`) + "&utm_campaign=n", `context.campaign = {"name":null}`},
		{"zone behind a plus sign", "writeKey=WK_A&userId=u1&event=E&timestamp=2023-11-14T23:13:20+01:00", `timestamp = "2023-11-14T22:13:20.000Z"`},
		{"zone behind a plus sign", "writeKey=WK_A&userId=u1&event=E&timestamp=Tue+Nov+14+2023+23:13:20+GMT+0100", `timestamp = "2023-11-14T22:13:20.000Z"`},
		{"no space behind the day", "writeKey=WK_A&userId=u1&event=E&timestamp=Tue,14+Nov+2023+22:13:20+GMT", `timestamp = "2023-11-14T22:13:20.000Z"`},
		{"a comma behind the date", "writeKey=WK_A&userId=u1&event=E&timestamp=Nov+14,+2023+22:13:20+GMT", `timestamp = "2023-11-14T22:13:20.000Z"`},
		{"basic form without seconds", "writeKey=WK_A&userId=u1&event=E&timestamp=20231114T2213Z", `timestamp = "2023-11-14T22:13:00.000Z"`},
		{"zone behind a space", "writeKey=WK_A&userId=u1&event=E&timestamp=2023-11-14T22:13:20+Z", `timestamp = "2023-11-14T22:13:20.000Z"`},
	} {
		t.Run(test.name, func(t *testing.T) { wantPixel(t, test.query, test.want) })
	}
}

// TestRareTags has tags of tools that write them in a way of their own.
func TestRareTags(t *testing.T) {
	for _, tag := range []string{
		"{$email}", "{!Contact.Id}", "{subscriber:email}", "[%email%]", "<<email>>", "$[EMAIL]$", "~Contact.Email~", "@EMAIL@", "[fullname,fallback=x]",
	} {
		wantPixel(t, "writeKey=WK_A&event=E&userId="+url.QueryEscape(tag), "rejected no_identity")
	}
	for _, name := range []string{"@bob", "~bob~", "{42}", "a@b.example", "$5$", "<bob>", "Bob <b@b.example>"} {
		wantPixel(t, "writeKey=WK_A&event=E&userId="+url.QueryEscape(name), `userId = "`+name+`"`)
	}
}
