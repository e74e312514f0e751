// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Exit statuses of commands that worked. One that did not work ends with 1, as
// Caddy's own, and has an error to tell.
const (
	ExitRejected = 4 // a pixel is, would be or stays rejected
	ExitProblem  = 5 // something keeps events from being delivered
)

// Run makes a command of a function that returns an exit status. An error is
// logged, as with Caddy's own commands; a status without one has been explained in
// the output and needs no more words.
func Run(run func(cmd *cobra.Command, args []string) (int, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.SilenceErrors = true
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			return run(cmd, args)
		})(cmd, args)
	}
}

// Interruptible returns the context of a command that runs on, which ends when
// somebody or the system asks the command to end. It is then free to finish what it
// does; being asked once more ends it on the spot.
func Interruptible(cmd *cobra.Command) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
