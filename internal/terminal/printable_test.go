// SPDX-License-Identifier: Apache-2.0

package terminal_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/explain"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
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
		got := pixeltest.Execute(t, explain.New(), "--type", "page", query)
		got.Want(0, "messageId "+want+"\n")
		if strings.ContainsAny(got.Out, "\x1b\a\r\t\x7f\u009b\u202e\u2028\u200b") {
			t.Errorf("%q is printed as it is:\n%q", text, got.Out)
		}
	}
}
