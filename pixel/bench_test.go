// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// payload is a client's object of about so many bytes, of the kind that a page
// with a shopping cart sends.
func payload(size int) string {
	var b strings.Builder
	b.WriteString(`{"writeKey":"k","anonymousId":"23adfd82-aa0f-45a7-a756-24f2a7a4c895","event":"Order Completed",` +
		`"context":{"locale":"en-GB","page":{"path":"/checkout/","title":"Checkout"}},"properties":{"currency":"EUR","products":[`)
	const product = `{"product_id":"507f1f77bcf86cd799439011","sku":"G-32","name":"Monopoly: 3rd Edition","price":19.5,"quantity":1}`
	b.WriteString(product)
	for b.Len()+len(product) < size {
		b.WriteString("," + product)
	}
	b.WriteString(`]}}`)
	return b.String()
}

const dotted = "writeKey=k&anonymousId=%22amp-x%22&event=e&context.library.name=amp&context.page.title=A%20title&properties.a.b=1"

// BenchmarkDecode measures whole queries, from the raw text to the envelope:
//
//	go test -run '^$' -bench Decode -benchmem ./pixel
func BenchmarkDecode(b *testing.B) {
	small := payload(400)
	for _, test := range []struct{ name, query string }{
		{"sample", "data=" + segmentSample},
		{"400B", data(small)},
		{"2KB", data(payload(2 << 10))},
		{"16KB", data(payload(16 << 10))},
		{"dotted", dotted},
		{"merged", "data=" + segmentSample + "&userId=merge-tag"},
		{"padding-escaped", "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(small+" ")))},
		{"wrapped", "data=" + url.QueryEscape(wrap(base64.StdEncoding.EncodeToString([]byte(small))))},
		{"JSON", "data=" + url.QueryEscape(small)},
		{"refused/key", data(strings.Replace(small, `"k"`, `"other"`, 1))},
		{"refused/cut-off", data(small)[:400]},
		{"refused/bad-base64", data(small)[:200] + "!" + data(small)[200:]},
		{"refused/identity", data(strings.Replace(small, "anonymousId", "nobody", 1))},
		{"refused/no-data", "cb=1"},
	} {
		b.Run(test.name, func(b *testing.B) { benchDecode(b, test.query) })
	}
}

func benchDecode(b *testing.B, query string) {
	b.Helper()
	decoder := newDecoder()
	facts := pixel.Facts{Received: received, UserAgent: "Mozilla/5.0", Referer: "https://example.com/"}
	b.ReportAllocs()
	b.SetBytes(int64(len(query)))
	for b.Loop() {
		if event, _ := decoder.Decode(pixel.Track, query, &facts); event != nil {
			event.Release()
		}
	}
}

// BenchmarkGrowth measures queries of more and more parameters. The throughput
// has to stay about the same, or the work is worse than linear.
func BenchmarkGrowth(b *testing.B) {
	for _, shape := range []struct {
		name  string
		param func(i int) string
	}{
		{"flat", func(i int) string { return fmt.Sprintf("n%d=v", i) }},
		{"dotted", func(i int) string { return fmt.Sprintf("properties.n%d.v=1", i) }},
		{"array", func(i int) string { return fmt.Sprintf("a.%d.b=1", i) }},
		{"repeated", func(int) string { return "a.b=1" }},
		{"deep", func(i int) string { return fmt.Sprintf("%sn%d=1", strings.Repeat("a.", 40), i) }},
		{"escaped", func(i int) string { return fmt.Sprintf("n%d=%%22a+%%C3%%BC%%22", i) }},
	} {
		for _, count := range []int{10, 100, 1000} {
			var query strings.Builder
			query.WriteString("writeKey=k&userId=u&event=e")
			for i := range count {
				query.WriteString("&" + shape.param(i))
			}
			b.Run(fmt.Sprintf("%s/%d", shape.name, count), func(b *testing.B) { benchDecode(b, query.String()) })
			b.Run(fmt.Sprintf("%s-beside-data/%d", shape.name, count), func(b *testing.B) {
				benchDecode(b, query.String()+"&data="+base64.RawURLEncoding.EncodeToString([]byte(`{"properties":{"x":1}}`)))
			})
		}
	}
}

// BenchmarkHostile decodes 16 KiB of what costs the most to refuse, and reports how many
// times as long that takes as the strict reading alone, which is done in turn with it.
func BenchmarkHostile(b *testing.B) {
	const size = 16 << 10
	long := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	good := base64.RawURLEncoding.EncodeToString([]byte(`{"writeKey":"k","userId":"u","p":"` + strings.Repeat("x", size/2) + `"}`))
	for _, test := range []struct{ name, query string }{
		{"cut-off", "data=" + good[:len(good)-8]},
		{"spaces", "data=" + long("eyJ3 cml0+")},
		{"equals", "data=" + long("eyJ3=0D=0A")},
		{"equals and spaces", "data=" + long("eyJ3=%20 A+")},
		{"queries in a query", "userId=u&event=e&writeKey=" + long("k?writeKey=")},
		{"tags", "data=" + long("%%a")},
		{"escapes", "data=" + long("%65%79%4A")},
		{"escapes of escapes", "data=" + long("%2565%2579")},
		{"braces", "data=%7B" + long("%22a%22:%7B")},
		{"commas", "data=%7B" + long(",,NaN,") + "%7D"},
		{"references", "data=" + long("&amp;quot;")},
		{"references in data", "data=%7B" + long("%26quot%3B") + "%7D"},
		{"invisible", "data=" + long("%E2%80%8B")},
		{"latin-1", "data=" + base64.RawURLEncoding.EncodeToString([]byte(`{"a":"`+strings.Repeat("\xe9", size/2)+`",}x`))},
		{"utf-16", "data=" + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("{\x00", size/3)))},
		{"text in text", "data=" + base64.RawURLEncoding.EncodeToString([]byte(`"`+strings.Repeat(`\"`, size/3)+`"`))},
		{"question marks", "data=" + long("?data=e")},
		{"mail", long("a=3D&")},
		{"brackets", long("a[b][]=1&")},
		{"names", "writeKey=x&userId=u&" + long("a%26b%3D1&")},
	} {
		b.Run(test.name, func(b *testing.B) {
			decoder := newDecoder()
			facts := pixel.Facts{Received: received}
			b.SetBytes(int64(len(test.query)))
			var whole, strict time.Duration
			for b.Loop() {
				began := time.Now()
				if event, _ := decoder.Decode(pixel.Track, test.query, &facts); event != nil {
					event.Release()
				}
				between := time.Now()
				decoder.DecodeStrictly(pixel.Track, test.query, &facts)
				whole, strict = whole+between.Sub(began), strict+time.Since(between)
			}
			b.ReportMetric(float64(whole)/float64(strict), "x-strict")
		})
	}
}
