// SPDX-License-Identifier: Apache-2.0

package accesslog_test

import (
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
)

func TestLogLines(t *testing.T) {
	const uri = "/v1/pixel/track?data=ey+J/3%20==&x=;1%"
	type logged struct{ method, host, path, query, agent, referer, gpc, at string }
	at := "2022-03-09T21:30:01.524102Z"
	plain := logged{method: "GET", path: "/v1/pixel/track", query: "data=ey+J/3%20==&x=;1%"}
	caddy := plain
	caddy.host, caddy.agent, caddy.referer, caddy.gpc, caddy.at = "example.com", "UA", "https://example.com/", "1", at
	untimed := caddy
	untimed.at = ""
	common := plain
	common.at = "2000-10-10T20:55:36Z"
	combined := common
	combined.agent, combined.referer = `M "o" \zilla`, "http://x/"
	quoted := plain
	quoted.query, quoted.at = `a="b"`, common.at
	post := common
	post.method = "POST"
	local := plain
	local.host = "example.com"

	const request = `"request":{"remote_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"` + uri +
		`","headers":{"User-Agent":["UA"],"Referer":["https://example.com/"],"Sec-Gpc":["1"]}}`
	tests := map[string]struct {
		line string
		want logged
	}{
		"Caddy's JSON":           {`{"level":"info","ts":1646861401.5241024,"msg":"handled request",` + request + `,"status":200}`, caddy},
		"time as text":           {`{"ts":"2022-03-09T21:30:01.524102Z",` + request + `}`, caddy},
		"Caddy's console format": {"2022/03/09 21:30:01.524\tINFO\thttp.log.access\thandled request\t{" + request + "}", untimed},
		"a byte order mark":      {"\ufeff{" + request + "}", untimed},
		"time of another kind":   {`{"ts":{},` + request + `}`, untimed},
		"common":                 {`192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET ` + uri + ` HTTP/1.0" 200 43`, common},
		"common, sizes unknown":  {`192.0.2.1 - a user [10/Oct/2000:13:55:36 -0700] "GET ` + uri + ` HTTP/2.0" - -`, common},
		"common, no protocol":    {`192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "POST ` + uri + `" 200 43`, post},
		"common, odd time":       {`192.0.2.1 - - [today] "GET ` + uri + ` HTTP/1.0" 200 43`, plain},
		"combined":               {`192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET ` + uri + ` HTTP/1.0" 200 43 "http://x/" "M \"o\x22 \\zilla" "more"`, combined},
		"combined, nothing":      {`192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET ` + uri + ` HTTP/1.0" 200 43 "-" ""`, common},
		"quotes in the request":  {`192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /v1/pixel/track?a=\"b\x22 HTTP/1.0" 200 43`, quoted},
		"a URL":                  {"https://example.com" + uri, local},
		"a path":                 {uri, plain},
		"a request line":         {"GET " + uri + " HTTP/1.1", plain},
		"a query":                {"data=e30", logged{method: "GET", query: "data=e30"}},
		"an image":               {`<img src="https://example.com/x?a=1&amp;b=2">`, logged{method: "GET", host: "example.com", path: "/x", query: "a=1&b=2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, ok := accesslog.ParseLine([]byte(test.line))
			if !ok {
				t.Fatal("not understood")
			}
			got := logged{r.Method, r.Host, r.URL.Path, r.URL.RawQuery, r.UserAgent(), r.Referer(), r.Header.Get("Sec-GPC"), ""}
			if !r.At.IsZero() {
				got.at = r.At.UTC().Format(time.RFC3339Nano)
			}
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	for _, line := range []string{
		"", "level=info msg=hello", `{"level":"info","msg":"no request"}`, `{"request":{"uri":"*","method":"OPTIONS"}}`, `{"request":`,
		`{"request":{"uri":"/%zz","method":"GET"}}`, `1 - - [x] "GET /%zz HTTP/1.0" 200 1`, "<p>", "/%zz",
	} {
		if r, ok := accesslog.ParseLine([]byte(line)); ok {
			t.Errorf("%s is taken for %s %s", line, r.Method, r.URL)
		}
	}
}
