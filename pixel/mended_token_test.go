// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestMendedTokens has happen to tokens what happens to data, on a site that requires them
// and on one that does not.
func TestMendedTokens(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VySWQiOiJ1MSJ9.c2lnbmF0dXJlLXRoYXQtaXMtZ29vZA"
	decoder := newDecoder()
	decoder.Source = func(key string) (string, bool) { return "a", key == "WK_A" }
	decoder.Unseal = func(text string) ([]byte, string, bool) {
		return []byte(`{"writeKey":"WK_A","userId":"u1","event":"E"}`), "", text == token
	}
	for _, required := range []bool{false, true} {
		decoder.SealRequired = required
		for query, want := range map[string]pixel.Reason{
			"data=" + token:                                  pixel.Accepted,
			"data=" + token + "?utm_source=x":                pixel.Accepted,
			"data=" + token + "%3Futm_source%3Dx":            pixel.Accepted,
			"data=" + token + "#top":                         pixel.Accepted,
			"data=" + token + "%26cb%3D1":                    pixel.Accepted,
			"data=" + token + ")":                            pixel.Accepted,
			"data=" + token + ".":                            pixel.Accepted,
			"data=%22" + token + "%22":                       pixel.Accepted,
			"data=%3C" + token + "%3E":                       pixel.Accepted,
			"data=" + token[:30] + "%E2%80%8B" + token[30:]:  pixel.Accepted,
			"data=" + token[:30] + "=%0D%0A" + token[30:]:    pixel.Accepted,
			"data=" + token[:30] + "%20" + token[30:]:        pixel.Accepted,
			"data=3D" + token:                                pixel.Accepted,
			"data%3D" + token + "%26cb%3D1":                  pixel.Accepted,
			"data=" + token[:20] + "%252E" + token[21:]:      pixel.Accepted,
			"?data=" + token:                                 pixel.Accepted,
			"data=" + token[:len(token)-1]:                   pixel.BadSeal,
			"data=" + token[:len(token)-1] + "?utm_source=x": pixel.BadSeal,
			"data=" + token[:30] + "x" + token[30:] + "%22":  pixel.BadSeal,
			"data=" + token + "." + token:                    pixel.BadSeal,
		} {
			event, rejection := decoder.Decode(pixel.Track, query, &pixel.Facts{Received: received})
			got := pixel.Accepted
			if rejection != nil {
				got = rejection.Reason
			} else {
				event.Release()
			}
			if required && want == pixel.BadSeal && got == pixel.NotSealed {
				continue // it is not even a token
			}
			if got != want {
				t.Errorf("required %t: %s: got %s, want %s", required, query, got, want)
			}
		}
	}
}
