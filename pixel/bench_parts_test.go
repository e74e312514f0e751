// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/messageid"
)

const benchObject = `{"writeKey":"k","anonymousId":"23adfd82-aa0f-45a7-a756-24f2a7a4c895","event":"Order Completed",` +
	`"sentAt":"2026-03-04T05:06:07.123Z","originalTimestamp":"2026-03-04T05:06:05.001Z",` +
	`"context":{"locale":"en-GB","page":{"path":"/checkout/","title":"Checkout"}},` +
	`"properties":{"currency":"EUR","total":39,"products":[{"sku":"G-32","name":"Monopoly: 3rd Edition","price":19.5}]}}`

// BenchmarkEnvelope measures what is done with an object that has been scanned and
// found good.
func BenchmarkEnvelope(b *testing.B) {
	facts := Facts{
		Received:  time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.UTC),
		IP:        netip.MustParseAddr("192.0.2.0"),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		Referer:   "https://example.com/checkout/",
	}
	for _, test := range []struct{ name, object string }{
		{"all-added", `{"userId":"u","event":"e"}`},
		{"times", benchObject},
		{"messageId", strings.Replace(benchObject, "{", `{"messageId":"23adfd82-aa0f-45a7-a756-24f2a7a4c895",`, 1)},
	} {
		b.Run(test.name, func(b *testing.B) {
			ws := new(workspace)
			if fail := ws.scanner.Scan([]byte(test.object)); fail.Found() {
				b.Fatal(fail)
			}
			c := call{typ: Track, object: []byte(test.object), layout: &ws.scanner.Object}
			b.ReportAllocs()
			for b.Loop() {
				ws.buildEvent(&c, "web", &facts, "v1.2.3")
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	object := []byte(benchObject)
	var s layout.Scanner
	b.ReportAllocs()
	b.SetBytes(int64(len(object)))
	for b.Loop() {
		if s.Scan(object).Found() {
			b.Fatal("the object was refused")
		}
	}
}

func BenchmarkBase64(b *testing.B) {
	text := base64.RawURLEncoding.EncodeToString([]byte(benchObject))
	var decoded []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		decoded, _, _ = encoding.AppendBase64(decoded[:0], text)
	}
}

func BenchmarkMessageID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		messageid.New()
	}
}
