// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
)

// TestExplainSaysWhyThereIsNothing reads logs that show nothing wrong, and not that
// all is well either.
func TestExplainSaysWhyThereIsNothing(t *testing.T) {
	long := strings.Repeat("x", accesslog.MaxLine+1)
	for name, test := range map[string]struct {
		log  string
		code int
		want string
	}{
		"an empty log":       {"", 1, "there was no line to read"},
		"another log":        {"hello there\n\n", 1, "no pixel in 2 lines: none is a request of an access log or a URL"},
		"other pages":        {"https://example.com/index.html\n", 1, "no pixel in 1 request: none is under a path prefix (/v1/pixel)"},
		"other methods":      {"HEAD /v1/pixel/track HTTP/1.1\nOPTIONS /v1/pixel/track HTTP/1.1\n", 1, "no pixel in 2 requests: their method is HEAD or OPTIONS"},
		"a long line":        {long, 1, "longer than 1 MiB: 1 line, which may hold a pixel"},
		"a long one of many": {"/v1/pixel/page?writeKey=k&userId=u\n" + long + "\n" + long, 1, "longer than 1 MiB: 2 lines, which may hold a pixel"},
		"a rejected one":     {"/v1/pixel/page?writeKey=k\n" + long, 4, "1  no_identity"},
		"a pixel of others":  {"/index.html\n/v1/pixel/page?writeKey=k&userId=u\n", 0, "1  accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, format := range []string{"", "--json"} {
				args := []string{"-"}
				want := test.want
				if format != "" {
					args = append(args, format)
					if test.code != 1 {
						want = `"summary"`
					}
				}
				got := explainInput(t, strings.NewReader(test.log), args...)
				got.Want(test.code, want)
				if (got.Err == nil || got.Err.Error() == "") && test.code == 1 {
					t.Error("no error")
				}
			}
		})
	}
}
