// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// mangledPixels are queries that public reports, mail tools and templates have produced,
// and what must come of them: members of the event as JSON, "-" for one that must not be
// there, or a reason.
var mangledPixels = []struct{ name, query, want string }{
	{"base64", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2=0D=0AVySWQiOiJ1MSIsImV2ZW50IjoiRSIsInByb3BlcnRpZXMiOnsicyI6ImE/Yj5jfiJ9fQ==`, `properties.s = "a?b>c~"`},
	{"base64", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2=VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInByb3BlcnRpZXMiOnsicyI6ImE/Yj5jfiJ9fQ==`, `properties.s = "a?b>c~"`},
	{"base64 twice", `data=ZXlKM2NtbDBaVXRsZVNJNklsZExYMEVpTENKMWMyVnlTV1FpT2lKMU1TSXNJbVYyWlc1MElqb2lSU0o5`, `userId = "u1"`},
	{"invisible", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1%E2%80%8BMSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"invisible", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1%C2%ADMSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"invisible", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1%C2%A0MSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"wrapping", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9%22`, `userId = "u1"`},
	{"wrapping", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9"`, `userId = "u1"`},
	{"wrapping", `data=%3CeyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9%3E`, `userId = "u1"`},
	{"wrapping", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9),`, `userId = "u1"`},
	{"wrapping", `data=data%3Aapplication/json%3Bbase64%2CeyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"second_query", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9?utm_source=news`, `userId = "u1"; context.campaign.source = "news"`},
	{"second_query", `x=1?data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"second_query", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9%23frag`, `userId = "u1"`},
	{"escaping", `data%3DeyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"escaping", `cb=1%26data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"escaping", `data=JTdCJTIyd3JpdGVLZXklMjIlM0ElMjAlMjJXS19BJTIyJTJDJTIwJTIydXNlcklkJTIyJTNBJTIwJTIydTElMjIlMkMlMjAlMjJldmVudCUyMiUzQSUyMCUyMkUlMjIlN0Q`, `userId = "u1"`},
	{"base64 (=3D in front of every value)", `writeKey=3DWK_A&userId=3Du1&event=3DE`, `userId = "u1"; event = "E"`},
	{"second_query", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9%3Futm_source%3Dmautic&utm_medium=email_mkt`, `userId = "u1"; context.campaign = {"source":"mautic","medium":"email_mkt"}`},
	{"html", `data=%7B%26quot%3BwriteKey%26quot%3B%3A%20%26quot%3BWK_A%26quot%3B%2C%20%26quot%3BuserId%26quot%3B%3A%20%26quot%3Bu1%26quot%3B%2C%20%26quot%3Bevent%26quot%3B%3A%20%26quot%3BE%26quot%3B%7D`, `userId = "u1"`},
	{"html", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInAiOiI/PiJ9&#x3D;`, `p = "?>"`},
	{"charset (Latin-1)", `data=eyJ3cml0ZUtleSI6ICJXS19BIiwgInVzZXJJZCI6ICJ1MSIsICJldmVudCI6ICJFIiwgInByb3BlcnRpZXMiOiB7InMiOiAiY2Fm6SJ9fQ`, `properties.s = "café"`},
	{"charset (UTF-16)", `data=__57ACIAdwByAGkAdABlAEsAZQB5ACIAOgAgACIAVwBLAF8AQQAiACwAIAAiAHUAcwBlAHIASQBkACIAOgAgACIAdQAxACIALAAgACIAZQB2AGUAbgB0ACIAOgAgACIARQAiAH0A`, `userId = "u1"`},
	{"charset", `writeKey=WK_A&userId=u1&event=caf%E9`, `event = "café"`},
	{"charset (escape)", `writeKey=WK_A&userId=u1&event=caf%u00e9`, `event = "café"`},
	{"json (line feed in a string)", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInByb3BlcnRpZXMiOnsicyI6ImEKYiJ9fQ`, `properties.s = "a\nb"`},
	{"json (comma)", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInByb3BlcnRpZXMiOnsicyI6MSx9fQ`, `properties.s = 1`},
	{"json (NaN)", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInByb3BlcnRpZXMiOnsicyI6TmFOfX0`, `properties.s = null`},
	{"json (half an emoji)", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInByb3BlcnRpZXMiOnsicyI6IlNhbGUgXHVkODNkLi4uIn19`, `properties.s = "Sale \ufffd..."`},
	{"json (encoded twice)", `data=IntcIndyaXRlS2V5XCI6IFwiV0tfQVwiLCBcInVzZXJJZFwiOiBcInUxXCIsIFwiZXZlbnRcIjogXCJFXCJ9Ig`, `userId = "u1"`},
	{"json (NUL behind)", `data=eyJ3cml0ZUtleSI6ICJXS19BIiwgInVzZXJJZCI6ICJ1MSIsICJldmVudCI6ICJFIn0A`, `userId = "u1"`},
	{"brackets", `writeKey=WK_A&userId=u1&event=E&properties[subject]=Hi&properties[list][]=a`, `properties = {"subject":"Hi","list":["a"]}`},
	{"spaces", `data=eyJ3cml0ZUtleSI6IiBXS19BICIsInVzZXJJZCI6InUxIiwiZXZlbnQiOiJFIn0`, `userId = "u1"`},
	{"spaces", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiIgICIsImV2ZW50IjoiRSJ9`, `rejected no_identity`},
	{"merge_tag", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ7e3VzZXJJZH19IiwiZXZlbnQiOiJFIn0`, `rejected no_identity {{userId}}`},
	{"merge_tag", `writeKey=WK_A&event=E&userId=*|EMAIL|*`, `rejected no_identity`},
	{"merge_tag", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiIke1VTRVJfSUR9IiwiZXZlbnQiOiJFIiwiYW5vbnltb3VzSWQiOiJhMSJ9`, `anonymousId = "a1"; userId = -`},
	{"time", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInRpbWVzdGFtcCI6MTcwMDAwMDAwMH0`, `timestamp = "2023-11-14T22:13:20.000Z"`},
	{"time", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInRpbWVzdGFtcCI6IjE3MDAwMDAwMDAwMDAifQ`, `timestamp = "2023-11-14T22:13:20.000Z"`},
	{"time", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInRpbWVzdGFtcCI6IlR1ZSwgMTQgTm92IDIwMjMgMjI6MTM6MjAgKzAwMDAifQ`, `timestamp = "2023-11-14T22:13:20.000Z"`},
	{"time", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInRpbWVzdGFtcCI6IlR1ZSBOb3YgMTQgMjAyMyAyMjoxMzoyMCBHTVQrMDAwMCAoQ29vcmRpbmF0ZWQgVW5pdmVyc2FsIFRpbWUpIn0`, `timestamp = "2023-11-14T22:13:20.000Z"`},
	{"time (constant sentAt alone)", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSIsInNlbnRBdCI6IjIwMjAtMDEtMDFUMDA6MDA6MDBaIn0`, `timestamp = "2026-03-04T05:06:07.891Z"`},
	{"name", `Data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9`, `userId = "u1"`},
	{"utm", `data=eyJ3cml0ZUtleSI6IldLX0EiLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9&utm_source=x&utm_campaign=n`, `context.campaign = {"source":"x","name":"n"}; utm_source = -`},
	{"strict reason", `data=%b`, `rejected bad_base64`},
	{"strict reason", `data=7b2277726974654b6579223a2022574b5f41222c2022757365724964223a20227531222c20226576656e74223a202245227d`, `rejected bad_base64`},
}

func TestMangledPixels(t *testing.T) {
	for _, test := range mangledPixels {
		t.Run(test.name, func(t *testing.T) {
			wantPixel(t, test.query, test.want)
		})
	}
}

// wantPixel decodes a query as that of a track pixel.
func wantPixel(t *testing.T, query, want string) {
	t.Helper()
	decoder := newDecoder()
	decoder.Source = func(key string) (string, bool) { return "a", key == "WK_A" }
	event, rejection := decoder.Decode(pixel.Track, query, &pixel.Facts{Received: received})
	if words, wanted := strings.CutPrefix(want, "rejected "); wanted {
		reason, detail, _ := strings.Cut(words, " ")
		if rejection == nil || rejection.Reason.String() != reason || !strings.Contains(rejection.Detail, detail) {
			t.Fatalf("%s: got %+v, want it rejected for %s with %s", query, rejection, reason, detail)
		}
		return
	}
	if rejection != nil {
		t.Fatalf("%s is rejected: %s: %s", query, rejection.Reason, rejection.Detail)
	}
	defer event.Release()
	wantMembers(t, event.Body, want)
}

// wantMembers compares members of a JSON object: "a.b = 1; c = -".
func wantMembers(t *testing.T, body []byte, want string) {
	t.Helper()
	var parsed any
	if err := json.Unmarshal(body, &parsed); err != nil {
		t.Fatal(err)
	}
	for each := range strings.SplitSeq(want, "; ") {
		path, text, _ := strings.Cut(each, " = ")
		var value, wanted any
		value = parsed
		for name := range strings.SplitSeq(path, ".") {
			object, _ := value.(map[string]any)
			value = object[name]
		}
		if text != "-" {
			if err := json.Unmarshal([]byte(text), &wanted); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(value, wanted) {
			t.Errorf("%s is %#v, want %s in %s", path, value, text, body)
		}
	}
}
