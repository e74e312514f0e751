// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
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
				newURLCommand(),
				newExplainCommand(),
				newTailCommand(),
				newLiveCommand(),
				newDoctorCommand(),
				newReplayCommand(),
			)
		},
	})
}

// Exit statuses of commands that worked. One that did not work ends with 1, as
// Caddy's own, and has an error to tell.
const (
	exitRejected = 4 // a pixel is, would be or stays rejected
	exitProblem  = 5 // something keeps events from being delivered
)

// commandFunc makes a command of a function that returns an exit status. An error is
// logged, as with Caddy's own commands; a status without one has been explained in
// the output and needs no more words.
func commandFunc(run func(cmd *cobra.Command, args []string) (int, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.SilenceErrors = true
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			return run(cmd, args)
		})(cmd, args)
	}
}

// interruptible returns the context of a command that runs on, which ends when
// somebody or the system asks the command to end. It is then free to finish what it
// does; being asked once more ends it on the spot.
func interruptible(cmd *cobra.Command) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
