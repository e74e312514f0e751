// SPDX-License-Identifier: Apache-2.0

package command

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/explain"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/replay"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/suppress"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "segment-pixel",
		Short: "Makes, explains, watches and checks tracking pixels",
		Long: `
Commands for those who run a segment_pixel handler, and for those who put its
pixels into mails and pages. A pixel is answered with the same picture whatever is
wrong with it; these commands tell what became of it, and why.

None of them changes the configuration of a Caddy that runs.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Use = "segment-pixel"
			cmd.Args = cobra.NoArgs // a misspelt command is an error
			cmd.DisableFlagsInUseLine = true
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			cmd.AddCommand(
				NewURL(),
				explain.New(),
				NewTail(),
				NewLive(),
				NewDoctor(),
				NewKey(),
				suppress.New(),
				NewDrain(),
				NewHealth(),
				replay.New(),
			)
		},
	})
}
