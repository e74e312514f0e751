// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// BenchmarkDecode measures whole queries, from the raw text to the envelope:
//
//	go test -run '^$' -bench Decode -benchmem ./pixel
func BenchmarkDecode(b *testing.B) {
	for name, query := range map[string]string{
		"sample":  "data=" + segmentSample,
		"dotted":  "writeKey=k&anonymousId=%22amp-x%22&event=e&context.library.name=amp&context.page.title=A%20title&properties.a.b=1",
		"merged":  "data=" + segmentSample + "&userId=merge-tag",
		"refused": "data=" + segmentSample[:100],
	} {
		b.Run(name, func(b *testing.B) {
			decoder := newDecoder()
			facts := pixel.Facts{Received: received, UserAgent: "Mozilla/5.0", Referer: "https://example.com/"}
			b.ReportAllocs()
			b.SetBytes(int64(len(query)))
			for b.Loop() {
				if event, _ := decoder.Decode(pixel.Track, query, &facts); event != nil {
					event.Release()
				}
			}
		})
	}
}
