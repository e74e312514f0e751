// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
)

// NewHealth makes the verb health.
func NewHealth() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health [--ready] [--address <interface>] [--timeout <duration>]",
		Short: "Asks whether a Caddy that runs is alive, or ready",
		Long: `
Asks the admin endpoint of a Caddy that runs, for images that hold nothing else that
could. Alive is who answers. Ready is who takes events and keeps the promise of its sinks;
one that is not answers pixels all the same. The answer is JSON.

Exit status: 0 if it is; 5 if it is not, or nobody answers.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().Bool("ready", false, "Ask whether it is ready, rather than alive")
	cmd.Flags().String("address", caddy.DefaultAdminListen, "The address of the admin API of the Caddy that runs")
	cmd.Flags().Duration("timeout", 2*time.Second, "How long to wait for the answer")
	cmd.RunE = cli.Run(runHealth)
	return cmd
}

func runHealth(cmd *cobra.Command, _ []string) error {
	flags := cmd.Flags()
	ready, _ := flags.GetBool("ready") // All are defined above.
	address, _ := flags.GetString("address")
	timeout, _ := flags.GetDuration("timeout")
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	path := adminapi.Path + "health/live"
	if ready {
		path = adminapi.Path + "health/ready"
	}
	answer, err := adminapi.Ask(ctx, address, path)
	if err != nil {
		return cli.Exit(cli.ExitProblem, adminapi.Explain(err))
	}
	if _, err := cmd.OutOrStdout().Write(answer); err != nil {
		return cli.Exit(cli.ExitProblem, err)
	}
	return nil
}
