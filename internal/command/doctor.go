// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"io"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/doctor"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

const defaultDoctorTimeout = 5 * time.Second

// NewDoctor makes the verb doctor.
func NewDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [--config <path> [--adapter <name>]] [--address <interface>] [--json] [--timeout <duration>]",
		Short: "Checks everything that a pixel needs to be delivered",
		Long: `
Looks at what stands between a pixel and the stream that is to store it: the way in,
which a request tries that is no event; write keys and seals; the limits of a
request; NATS with its login and permissions, JetStream, the stream, the spool and
its disk. Each line says what was found, and what to do about it if anything. Nothing
is changed and nothing is published, so it can be used beside a Caddy that runs.

The configuration is that of --config or, without it, of the Caddyfile in the
current folder. If --address is given and --config is not, or there is no
Caddyfile, it is that of the Caddy whose admin API has this address
(localhost:2019 by default), which is also asked what it has seen.

Run it as the user of the service and with its environment: both matter, to files
as to placeholders.

A problem keeps events from being delivered. A warning does not, or not yet, such as
what a Caddy that is ready nevertheless reports.

Exit status: 0 if there is no problem, although there may be warnings; 5 if there
is one; 1 if it could not be run.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringP("config", "c", "", "Configuration file")
	cmd.Flags().StringP("adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().String("address", "", "The address of the admin API of the Caddy that runs")
	cmd.Flags().Bool("json", false, "Print the result as JSON")
	cmd.Flags().Duration("timeout", defaultDoctorTimeout, "How long to wait for each sink and for Caddy")
	cmd.RunE = cli.Run(runDoctor)
	return cmd
}

func runDoctor(cmd *cobra.Command, _ []string) error {
	flags, out := caddycmd.Flags{FlagSet: cmd.Flags()}, cmd.OutOrStdout()
	timeout := flags.Duration("timeout")
	if timeout <= 0 {
		return errors.New("--timeout must be positive")
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	config, address, err := offline.Find(ctx, flags.String("config"), flags.String("adapter"), flags.String("address"))
	cancel()
	if err != nil {
		return err
	}
	defer config.Release()
	d := doctor.Examine(cmd.Context(), config, address, timeout)
	if flags.Bool("json") {
		err = cli.PrintJSON(out, d.Report(), "  ")
	} else {
		_, err = io.WriteString(out, d.Text(terminal.Colours(out)))
	}
	if err == nil && d.Count(report.Problem) > 0 {
		return cli.Exit(cli.ExitProblem)
	}
	return err
}
