// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// palette colours lines, or not.
type palette bool

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
	plain  = "\x1b[0m"
)

// colours tells whether to colour what is written to out.
func colours(mode string, out io.Writer) (palette, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		file, ok := out.(*os.File)
		if !ok || os.Getenv("NO_COLOR") != "" {
			return false, nil
		}
		info, err := file.Stat()
		return palette(err == nil && info.Mode()&os.ModeCharDevice != 0), nil
	}
	return false, fmt.Errorf("--color is %q: write auto, always or never", mode)
}

func (p palette) text(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return colour + text + plain
}

// line shows a record. What comes from a client is quoted if it holds anything that a
// terminal might obey.
func (p palette) line(v *watch.View) string {
	colour := map[string]string{watch.Accepted.String(): green, watch.Rejected.String(): yellow}[v.Outcome]
	words := []string{
		p.text(dim, v.Time.Local().Format("15:04:05.000")),
		p.text(cmp.Or(colour, red), fmt.Sprintf("%-8s", v.Outcome)),
		fmt.Sprintf("%-8s", cmp.Or(v.Type, "-")),
		fmt.Sprintf("%-10s", cmp.Or(v.Source, "-")),
	}
	if v.Fetch != "" {
		words = append(words, p.text(dim, fmt.Sprintf("%-14s", v.Fetch)))
	}
	if v.Reason != "" {
		words = append(words, p.text(yellow, v.Reason+":"))
	}
	for _, text := range []string{v.Detail, terminal.Printable(v.Event)} {
		if text != "" {
			words = append(words, text)
		}
	}
	if v.MessageID != "" {
		words = append(words, p.text(dim, terminal.Printable(v.MessageID)))
	}
	if len(v.Repairs) > 0 {
		words = append(words, p.text(yellow, "repaired "+strings.Join(v.Repairs, ",")))
	}
	if v.UntrustedProxy {
		words = append(words, p.text(yellow, "untrusted proxy"))
	}
	return strings.Join(words, " ")
}
