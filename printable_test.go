// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"net/url"
	"strings"
	"testing"

	segmentpixel "github.com/segmentpixel/caddy-segment-pixel"
)

// TestCommandsPrintNothingThatATerminalObeys has a messageId printed, which is the
// client's own, on a line of the output.
func TestCommandsPrintNothingThatATerminalObeys(t *testing.T) {
	for text, want := range map[string]string{
		"plain, with spaces: \"ü\" \\": "plain, with spaces: \"ü\" \\",
		"\x1b[31mred\x07":              `\x1b[31mred\a`,
		"two\nlines\r\t":               `two\nlines\r\t`,
		"c1 \u009b2J":                  `c1 \u009b2J`,
		"right to left \u202e":         `right to left \u202e`,
		"a line \u2028 of its own":     `a line \u2028 of its own`,
		"DEL \x7f and nothing \u200b":  `DEL \x7f and nothing \u200b`,
		"a mark \ufffd":                "a mark \ufffd",
	} {
		query := "writeKey=k&userId=u&messageId=" + url.QueryEscape(text)
		got := execute(t, segmentpixel.NewExplainCommand(), "--type", "page", query)
		got.want(0, "messageId "+want+"\n")
		if strings.ContainsAny(got.out, "\x1b\a\r\t\x7f\u009b\u202e\u2028\u200b") {
			t.Errorf("%q is printed as it is:\n%q", text, got.out)
		}
	}
}
