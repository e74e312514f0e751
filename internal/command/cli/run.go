// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Exit statuses of commands that worked. One that did not work ends with 1, as
// Caddy's own, and has an error to tell.
const (
	ExitRejected = 4 // a pixel is, would be or stays rejected
	ExitProblem  = 5 // something keeps events from being delivered
)

// exitError ends a command with a status of its own.
type exitError struct {
	status int
	why    error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d: %v", e.status, e.why) }

// Exit is what a command returns that ends with one of these statuses. Without an error,
// its output has said why and needs no more words.
func Exit(status int, why ...error) error { return &exitError{status, errors.Join(why...)} }

// Run makes a command of a function. An error is logged, as with Caddy's own commands.
func Run(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.SilenceErrors = true
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			err := run(cmd, args)
			if exit, ok := errors.AsType[*exitError](err); ok {
				return exit.status, exit.why
			}
			return caddy.ExitCodeFailedStartup, err
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
