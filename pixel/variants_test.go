// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func std(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func bigEndian(s string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// TestMangledVariants has more of each kind.
func TestMangledVariants(t *testing.T) {
	object := `{"writeKey":"WK_A","userId":"u1","event":"E","properties":{"s":"a?b>c~"}}`
	e := std(object)
	for _, test := range []struct{ query, want string }{
		{"data=" + e[:20] + "=0d=0a" + e[20:], `properties.s = "a?b>c~"`},
		{"data=" + e[:20] + "%0D%0A" + e[20:], `properties.s = "a?b>c~"`},
		{"data=" + e[:20] + "=%0D%0A" + e[20:40] + "=%0A" + e[40:], `properties.s = "a?b>c~"`},
		{"data=" + e[:19] + "=" + e[19:33] + "=" + e[33:], `properties.s = "a?b>c~"`},
		{"data=3D" + e, `userId = "u1"`},
		{"data=3D" + strings.TrimRight(e, "=") + "=3D=3D&cb=3D1&properties.x=3D5", `userId = "u1"; properties.x = "5"`},
		{"data=3D" + e + "&properties.x=3D5", `properties.x = "5"`},
		{"data=" + e[:20] + "%E2%80%8C" + e[20:40] + "%E2%80%8D" + e[40:], `userId = "u1"`},
		{"data=" + e[:20] + "\u00a0" + e[20:40] + "\u200e" + e[40:], `userId = "u1"`},
		{"data=%C2%A0" + e + "%EF%BB%BF", `userId = "u1"`},
		{"data=" + e[:20] + "%26nbsp%3B" + e[20:], `userId = "u1"`},
		{"data=" + e[:20] + "&#8203;" + e[20:], `userId = "u1"`},
		{"data=" + e[:20] + "&shy;" + e[20:], `userId = "u1"`},
		{"data='" + e + "'", `userId = "u1"`},
		{"data=[" + e + "]", `userId = "u1"`},
		{"data=(" + e + ")", `userId = "u1"`},
		{"data=" + e + ";", `userId = "u1"`},
		{"data=" + e + ".", `userId = "u1"`},
		{"data=%E2%80%9C" + e + "%E2%80%9D", `userId = "u1"`},
		{"data=%22" + e + "%22%3E", `userId = "u1"`},
		{"data=data:application/json;charset=utf-8;base64," + e, `userId = "u1"`},
		{"data=data:;base64," + e, `userId = "u1"`},
		{"data=data%3Aapplication%2Fjson%2C" + url.QueryEscape(object), `userId = "u1"`},
		{"data=%22" + url.QueryEscape(object) + "%22", `userId = "u1"`},
		{"data=" + url.QueryEscape(object) + "%2C", `userId = "u1"`},
		{"data=" + url.QueryEscape(object) + "%3Futm_source%3Dx", `userId = "u1"; context.campaign.source = "x"`},
		{"x=1%3Fdata%3D" + url.QueryEscape(e), `userId = "u1"`},
		{"data%253D" + e, `userId = "u1"`},
		{"data%3D" + url.QueryEscape(e) + "%26utm_source%3Da", `userId = "u1"; context.campaign.source = "a"`},
		{"data=" + b64(strings.ReplaceAll(url.QueryEscape(object), "+", "%20")), `userId = "u1"`},
		{"data=" + e + "%3Fa%3Db%23frag", `userId = "u1"; a = "b"`},
		{"data=" + e + "?utm_source=a&utm_medium=b", `context.campaign = {"source":"a","medium":"b"}`},
		{"data=" + strings.ReplaceAll(url.QueryEscape(object), "%22", "%26%2334%3B"), `userId = "u1"`},
		{"data=" + strings.ReplaceAll(url.QueryEscape(object), "%22", "%26%23x22%3B"), `userId = "u1"`},
		{"data=" + strings.ReplaceAll(url.QueryEscape(object), "%22", "%26amp%3Bquot%3B"), `userId = "u1"`},
		{"data=" + strings.ReplaceAll(object, `"`, "&quot;"), `userId = "u1"`},
		{"data=" + strings.ReplaceAll(object, `"`, "&amp;quot;"), `userId = "u1"`},
		{"data=" + b64(strings.ReplaceAll(object, `"`, "&quot;")), `userId = "u1"`},
		{"data&#61;" + e, `userId = "u1"`},
		{"data&#x3D;" + e + "&amp;cb&#x3D;1", `userId = "u1"`},
		{"writeKey=WK_A&userId=u1&event=Caf&eacute;", `event = "Café"`},
		{"writeKey&#61;WK_A&amp;userId&#61;u1&amp;event&#61;E", `userId = "u1"`},
		{"writeKey=WK_A&userId=u1&event=E&amp;x=1", `x = "1"`},
		{"data=%7B%22writeKey%22:%22WK_A%22,%22userId%22:%22u1%22,%22event%22:%22caf%E9%22%7D", `event = "café"`},
		{"data=" + b64(bigEndian(object)), `userId = "u1"`},
		{"data=" + b64("\xfe\xff"+bigEndian(object)), `userId = "u1"`},
		{"data=" + b64("{\"writeKey\":\"WK_A\",\"userId\":\"u1\",\"event\":\"\x93q\x94 \x80 \x96\"}"), `event = "“q” € –"`},
		{"writeKey=WK_A&userId=u1&event=E&pr%E9nom=x", `prénom = "x"`},
		{"writeKey=WK_A&userId=u1&event=%uD83D%uDE00", `event = "😀"`},
		{"data=" + b64("%7B%22writeKey%22%3A%22WK_A%22%2C%22userId%22%3A%22u1%22%2C%22event%22%3A%22%u20AC%22%7D"), `event = "€"`},
		{"data=%7B%22writeKey%22%3A%22WK_A%22%2C%22userId%22%3A%22u1%22%2C%22event%22%3A%22caf%u00e9%22%7D", `event = "café"`},
		{"data=" + b64(`{"writeKey":"WK_A","userId":"u1","event":"E","a":[1,2,],"b":{"c":[NaN,-Infinity,Infinity,],},}`), `a = [1,2]; b = {"c":[null,null,null]}`},
		{"data=" + b64("{\"writeKey\":\"WK_A\",\"userId\":\"u1\",\"event\":\"a\tb\r\nc\"}"), `event = "a\tb\r\nc"`},
		{"data=" + b64(`{"writeKey":"WK_A","userId":"u1","event":"x\ude00y","k\ud83d":1}`), `event = "x\ufffdy"`},
		{"data=" + b64(object+"\x00\x00\x00"), `userId = "u1"`},
		{"data=" + url.QueryEscape(`"{\"writeKey\":\"WK_A\",\"userId\":\"u1\",\"event\":\"E\"}"`), `userId = "u1"`},
		{"writeKey=WK_A&userId=u1&event=E&traits%5Baddress%5D%5Bcity%5D=x&properties%5Btags%5D%5B%5D=a&properties%5Btags%5D%5B%5D=b&properties[items][0][id]=1&properties[items][1][id]=2", `traits.address.city = "x"; properties.tags = ["a","b"]; properties.items = [{"id":"1"},
		{"id":"2"}]`},
		{"writeKey=+WK_A%C2%A0&userId=%20u1%20&event=E", `userId = "u1"`},
		{"data=" + b64(`{"writeKey":"WK_A\n","userId":"\u00a0u1 ","event":"E"}`), `userId = "u1"`},
		{"writeKey=WK_A&userId=u1&event=E&anonymousId={{anonymousId}}&groupId=*|GROUP|*", `anonymousId = -; groupId = -`},
		{"DATA=" + e, `userId = "u1"`},
		{"WRITEKEY=WK_A&userId=u1&event=E", `userId = "u1"; WRITEKEY = -`},
		{"data=" + b64(`{"userId":"u1","event":"E"}`) + "&Writekey=WK_A", `userId = "u1"`},
		{"data=" + b64(`{"writeKey":"WK_A","userId":"u1","event":"E","context":{"campaign":{"source":"mine"}}}`) + "&utm_source=x&utm_term=t", `context.campaign = {"source":"mine","term":"t"}`},
		{"data=" + e + "&utm_source=", `userId = "u1"`},
		{"data=" + std(std(object)) + "&cb=1", `userId = "u1"`},
		{"data=" + url.QueryEscape(b64(b64(object))), `userId = "u1"`},
	} {
		t.Run(test.query[:min(len(test.query), 30)], func(t *testing.T) {
			wantPixel(t, test.query, test.want)
		})
	}
}
