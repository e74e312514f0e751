// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// colours tells whether to colour what is written to out.
func colours(mode string, out io.Writer) (terminal.Palette, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return terminal.Colours(out), nil
	}
	return false, fmt.Errorf("--color is %q: write auto, always or never", mode)
}

// line shows a record. What comes from a client is quoted if it holds anything that a
// terminal might obey.
func line(p terminal.Palette, v *watch.View) string {
	colour := map[string]string{watch.Accepted.String(): terminal.Green, watch.Rejected.String(): terminal.Yellow}[v.Outcome]
	words := []string{
		p.Text(terminal.Dim, v.Time.Local().Format("15:04:05.000")),
		p.Text(cmp.Or(colour, terminal.Red), fmt.Sprintf("%-8s", v.Outcome)),
		fmt.Sprintf("%-8s", cmp.Or(v.Type, "-")),
		fmt.Sprintf("%-10s", cmp.Or(v.Source, "-")),
	}
	if v.Fetch != "" {
		words = append(words, p.Text(terminal.Dim, fmt.Sprintf("%-14s", v.Fetch)))
	}
	if v.Reason != "" {
		words = append(words, p.Text(terminal.Yellow, v.Reason+":"))
	}
	for _, text := range []string{v.Detail, terminal.Printable(v.Event)} {
		if text != "" {
			words = append(words, text)
		}
	}
	if v.MessageID != "" {
		words = append(words, p.Text(terminal.Dim, terminal.Printable(v.MessageID)))
	}
	if len(v.Repairs) > 0 {
		words = append(words, p.Text(terminal.Yellow, "repaired "+strings.Join(v.Repairs, ",")))
	}
	if v.UntrustedProxy {
		words = append(words, p.Text(terminal.Yellow, "untrusted proxy"))
	}
	return strings.Join(words, " ")
}
