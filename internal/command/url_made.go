// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

// madePixel is what url prints with --json.
type madePixel struct {
	URL  string `json:"url"`
	HTML string `json:"html"`
	// Warnings are sentences on what is wrong with it, although it would be accepted.
	Warnings []string `json:"warnings,omitempty"`
	// Reason is why it would be rejected, with a detail and what to do.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// checkPixel says what is wrong with a pixel, as far as that can be known before it
// is sent. Merge tags are taken for filled in.
func checkPixel(h handlers.Handler, typ pixel.Type, address string, composed *link.Composition) (*madePixel, error) {
	made := &madePixel{URL: address, HTML: link.ImageTag(address), Warnings: composed.Notes}
	switch n := len(address); {
	case n > link.MaxRequestLine:
		made.Warnings = append(made.Warnings, fmt.Sprintf("the URL has %d characters: Caddy refuses a header section over 16 KiB "+
			"unless max_header_size is raised, and mail clients cut URLs from about %d characters on. Send less.", n, link.MaxSafeURL))
	case n > link.MaxSafeURL:
		made.Warnings = append(made.Warnings, fmt.Sprintf("the URL has %d characters: mail clients and proxies cut URLs "+
			"from about %d characters on. Send less.", n, link.MaxSafeURL))
	}
	target, err := link.Parse(mergetag.Fill(address, "x"))
	if err != nil {
		return nil, err
	}
	logged := accesslog.Request{Request: accesslog.NewRequest(target)}
	site := []handlers.Handler{h}
	x := handlers.Judge(site, logged, typ).Explain(site, logged)
	if x.Rejected() {
		made.Reason, made.Detail, made.Hint = x.Reason, x.Steps[len(x.Steps)-1].Detail, x.Hint
	}
	return made, nil
}

// print writes what was made, and to standard error what is wrong with it; or all of it as
// JSON.
func (m *madePixel) print(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if asJSON, _ := flags.GetBool("json"); asJSON {
		return cli.PrintJSON(cmd.OutOrStdout(), m, "")
	}
	var out, messages strings.Builder
	if htmlOnly, _ := flags.GetBool("html"); !htmlOnly {
		out.WriteString(m.URL + "\n")
	}
	if urlOnly, _ := flags.GetBool("url"); !urlOnly {
		out.WriteString(m.HTML + "\n")
	}
	if _, err := io.WriteString(cmd.OutOrStdout(), out.String()); err != nil {
		return err
	}
	for _, warning := range m.Warnings {
		messages.WriteString(terminal.Wrapped("warning: "+terminal.Printable(warning), ""))
	}
	if m.Reason != "" {
		messages.WriteString(terminal.Wrapped("rejected: "+m.Reason+": "+terminal.Printable(m.Detail), "") + terminal.Wrapped(m.Hint, ""))
	}
	_, err := io.WriteString(cmd.ErrOrStderr(), messages.String())
	return err
}
