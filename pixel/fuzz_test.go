// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/random"
)

var seeds = []string{
	"data=" + segmentSample,
	"data=" + segmentSample[:50],
	"data=" + strings.ToLower(segmentSample),
	data(`{"writeKey":"k","userId":"u","event":"e","context":{"page":{"title":"t"}},"timestamp":"2026-01-01T00:00:00Z"}`),
	data("\ufeff" + `{"writeKey":"k","userId":5,"event":"e","messageId":"m","x":[{"y":[1,2.5e3,null]}]}`),
	"data=" + url.QueryEscape(`{"writeKey":"k","anonymousId":"a","event":"+"}`) + "&properties.a.b=1",
	"writeKey=k&anonymousId=%22amp-x%22&event=e&p.0=a&p.1=b&name=&amp;x=1&a=1&a.b=2&a..b=3",
	"data=e%20y+J%2B%253D=3D%0D%0A&x=%ff",
	"data=%EF%BB%BF{&&;=%",
}

// allocationFactor bounds the memory that decoding may take for each byte of a
// query. The most expensive byte is one of a query that names thousands of
// fields in a few bytes each; the race detector, under which pools forget, adds
// a third.
const allocationFactor = 160

// FuzzDecode feeds whole queries to the decoder. It must not panic, must not
// allocate more than a small multiple of its input, and what it accepts must
// decode to the same event again.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds {
		for _, typ := range pixel.Types() {
			f.Add(uint8(typ), seed)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, query string) {
		decoder := newDecoder()
		decoder.Source = func(string) (string, bool) { return "web", true }
		facts := pixel.Facts{Received: received, UserAgent: "ua", Referer: "https://example.com/"}

		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		event, rejection := decoder.Decode(pixel.Type(typ), query, &facts)
		runtime.ReadMemStats(&after)
		// Other goroutines of the fuzzing process allocate besides.
		const slack = 1 << 20
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(len(query)*allocationFactor+slack) {
			t.Errorf("%d bytes allocated for a query of %d", took, len(query))
		}
		if (event == nil) == (rejection == nil) {
			t.Fatal("want an event or a rejection")
		}
		if rejection != nil {
			if rejection.Reason == pixel.Accepted || rejection.Detail == "" {
				t.Errorf("got %+v", rejection)
			}
			return
		}
		defer event.Release()
		decodeAgain(t, decoder, event, &facts)
	})
}

// decodeAgain sends a published event through the decoder once more.
func decodeAgain(t *testing.T, decoder *pixel.Decoder, event *pixel.Event, facts *pixel.Facts) {
	t.Helper()
	if !json.Valid(event.Body) {
		t.Fatalf("the body is no JSON: %s", event.Body)
	}
	withKey := append([]byte(`{"writeKey":"k",`), event.Body[1:]...)
	decoder.MaxEventSize = len(withKey)
	again, rejection := decoder.Decode(event.Type, "data="+base64.RawURLEncoding.EncodeToString(withKey), facts)
	if rejection != nil {
		t.Fatalf("accepted once, then refused: %v (%s): %s", rejection.Reason, rejection.Detail, withKey)
	}
	defer again.Release()
	// A merge tag in a field stays, and is noted each time.
	if again.Repairs&^(pixel.RepairedMergeTag|pixel.RepairedUnescapedTag) != 0 {
		t.Errorf("what was published needs repairs: %v: %s", again.Repairs, withKey)
	}
	if again.MessageID != event.MessageID || again.Name != event.Name || again.Source != event.Source {
		t.Errorf("got %q %q %q, want %q %q %q", again.MessageID, again.Name, again.Source, event.MessageID, event.Name, event.Source)
	}
	if got, want := withoutTimestamp(t, again.Body), withoutTimestamp(t, event.Body); !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// withoutTimestamp cuts out the one field that is worked out from three others,
// of which an event that was published has more than its sender gave.
func withoutTimestamp(t *testing.T, body []byte) []byte {
	t.Helper()
	start := bytes.LastIndex(body, []byte(`,"timestamp":"`))
	end := bytes.LastIndex(body, []byte(`,"receivedAt":"`))
	if start < 0 || end < start {
		t.Fatalf("no times at the end of %s", body)
	}
	return append(bytes.Clone(body[:start]), body[end:]...)
}

// TestAllocationsAreBounded measures the queries that cost the most.
func TestAllocationsAreBounded(t *testing.T) {
	for name, piece := range map[string]func(i int) string{
		"names":           func(i int) string { return strconv.FormatInt(int64(i), 36) },
		"names and texts": func(i int) string { return strconv.FormatInt(int64(i), 36) + "=x" },
		"nested names":    func(i int) string { return "a." + strconv.FormatInt(int64(i), 36) },
		"containers":      func(i int) string { return strconv.FormatInt(int64(i), 36) + ".a.b" },
		"numbers":         func(i int) string { return "a." + strconv.Itoa(i) },
		"one name":        func(int) string { return "a" },
	} {
		t.Run(name, func(t *testing.T) {
			query := []byte("writeKey=k&userId=u")
			for i := 0; len(query) < 16<<10; i++ {
				query = append(append(query, '&'), piece(i)...)
			}
			decoder := newDecoder()
			facts := pixel.Facts{Received: received}
			took := allocated(func() {
				if event, _ := decoder.Decode(pixel.Page, string(query), &facts); event != nil {
					event.Release()
				}
			})
			t.Logf("%d bytes for each byte of the query", took/uint64(len(query)))
			if took > uint64(len(query)*allocationFactor) {
				t.Errorf("%d bytes allocated for a query of %d", took, len(query))
			}
		})
	}
}

// allocated returns how many bytes f allocates when it runs for the first time.
func allocated(f func()) uint64 {
	runtime.GC()
	runtime.GC() // the second one empties the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAnyObjectAnyEncoding is the property behind the tolerant decoding: any
// JSON object, encoded in any legal way, comes out equal.
func TestAnyObjectAnyEncoding(t *testing.T) {
	encodings := map[string]func(string) string{
		"standard":           func(s string) string { return "data=" + base64.StdEncoding.EncodeToString([]byte(s)) },
		"standard, unpadded": func(s string) string { return "data=" + base64.RawStdEncoding.EncodeToString([]byte(s)) },
		"URL-safe":           func(s string) string { return "data=" + base64.URLEncoding.EncodeToString([]byte(s)) },
		"URL-safe, unpadded": func(s string) string { return "data=" + base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"standard, escaped":  func(s string) string { return "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
		"escaped twice": func(s string) string {
			return "data=" + url.QueryEscape(url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))))
		},
		"plus became a space": func(s string) string {
			return "data=" + strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "+", "%20")
		},
		"wrapped": func(s string) string {
			return "data=" + url.QueryEscape(wrap(base64.StdEncoding.EncodeToString([]byte(s))))
		},
		"byte order mark": func(s string) string { return "data=" + base64.RawURLEncoding.EncodeToString([]byte("\ufeff"+s)) },
		"JSON, escaped":   func(s string) string { return "data=" + url.QueryEscape(s) },
		"JSON, path-escaped": func(s string) string {
			return "data=" + strings.NewReplacer("&", "%26", "+", "%2B").Replace(url.PathEscape(s))
		},
	}
	for name, encode := range encodings {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				client := random.Object(rng, 4)
				client["writeKey"], client["userId"] = "k", "u"
				text, err := json.Marshal(client)
				if err != nil {
					t.Fatal(err)
				}
				_, body := decode(t, pixel.Identify, encode(string(text)), pixel.Facts{})
				for _, ours := range []string{"messageId", "context", "type", "source", "originalTimestamp", "sentAt", "timestamp", "receivedAt"} {
					delete(body, ours)
				}
				if want := object(t, text); !equalBut(want, body, "writeKey") {
					t.Fatalf("got  %v\nwant %v", body, want)
				}
			}
		})
	}
}

func equalBut(want, got map[string]any, name string) bool {
	delete(want, name)
	return reflect.DeepEqual(want, got)
}

func wrap(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	return b.String() + s
}
