// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// NewDrain makes the verb drain.
func NewDrain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drain [--config <path> [--adapter <name>]] [--timeout <duration>] [--json]",
		Short: "Sends what is left in the spools, before a machine goes for good",
		Long: `
Sends the events that are left in the spools of a configuration, and ends when none is
left: before a machine or its disk is taken away. No pixel is taken meanwhile. Stop Caddy
first, since a spool has one owner, and run this as its user and with its environment:

    $ systemctl stop caddy
    $ caddy segment-pixel drain --config /etc/caddy/Caddyfile

What no stream can store is set aside as ever, in undeliverable.ndjson beside the spool:
keep that file.

Exit status: 0 if nothing is left; 5 if something is, when the time is over or somebody
has ended it; 1 if it could not be run.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringP("config", "c", "", "Configuration file")
	cmd.Flags().StringP("adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().Duration("timeout", 0, "How long to try; 0 is for as long as it takes")
	cmd.Flags().Bool("json", false, "Print the result as JSON")
	cmd.RunE = cli.Run(runDrain)
	return cmd
}

// drained is what became of the spool of a sink.
type drained struct {
	Dir  string `json:"dir"`
	Sent uint64 `json:"sent"`
	Left uint64 `json:"left"`
	// Waiting says why events are left.
	Waiting string `json:"waiting,omitempty"`
}

func runDrain(cmd *cobra.Command, _ []string) error {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	config, err := offline.Load(flags.String("config"), flags.String("adapter"))
	if err != nil {
		return err
	}
	defer config.Release()
	if err := offline.Require(config.Handlers, offline.AnySink); err != nil {
		return err
	}
	ctx, stop := cli.Interruptible(cmd)
	defer stop()
	if timeout := flags.Duration("timeout"); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	spools := 0
	var end error
	for _, h := range config.Handlers {
		for _, sink := range h.Sinks() {
			if !sinks.HasSpool(sink.Sink) {
				continue
			}
			spools++
			d, err := drain(ctx, sink.Sink, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if d.Left > 0 {
				end = cli.Exit(cli.ExitProblem)
			}
			if err := printDrained(cmd, d); err != nil {
				return err
			}
		}
	}
	if spools == 0 {
		return errors.New("no sink of the configuration has a spool")
	}
	return end
}

const drainTold = 5 * time.Second

// drain says now and then how many events are left.
func drain(ctx context.Context, sink sinks.Sink, messages io.Writer) (drained, error) {
	var d drained
	first, told := uint64(0), time.Now()
	left, err := sinks.Drain(ctx, sink, func(s report.SpoolStatus) {
		first = max(first, s.Events)
		d.Dir, d.Waiting = s.Dir, s.Waiting
		if time.Since(told) < drainTold {
			return
		}
		told = time.Now()
		text := fmt.Sprintf("%s: %d events are left", s.Dir, s.Events)
		if s.Waiting != "" {
			text += ": " + s.Waiting
		}
		_, _ = io.WriteString(messages, terminal.Printable(text)+"\n")
	})
	d.Left, d.Sent = left, first-left
	if left == 0 {
		d.Waiting = ""
	}
	return d, err
}

func printDrained(cmd *cobra.Command, d drained) error {
	text := fmt.Sprintf("%s: %d sent, %d left", d.Dir, d.Sent, d.Left)
	if d.Waiting != "" {
		text += ": " + d.Waiting
	}
	return cli.Print(cmd, d, terminal.Printable(text)+"\n")
}
