// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// tailRetry is the pause before a stream is asked for again that has ended, as it
// does when Caddy reloads.
const tailRetry = 500 * time.Millisecond

// maxTailLine bounds one record of a stream.
const maxTailLine = 1 << 20

// NewTail makes the verb tail.
func NewTail() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tail [--address <interface>] [--config <path> [--adapter <name>]] [--source <names>] [--type <types>] " +
			"[--outcome <outcomes>] [--new] [--json] [--redact] [--color auto|always|never]",
		Short: "Shows the requests of a running Caddy as they come, one line each",
		Long: `
Shows what becomes of pixels, one line for each request, by asking the admin
endpoint of a Caddy that runs. It begins with the requests that are still kept,
unless --new is set, and goes on when Caddy reloads or is restarted. It ends with
Ctrl-C.

The address is that of the admin endpoint; by default the one in the configuration,
if --config names one, and else localhost:2019.

The filters --source, --type and --outcome take several values with commas between
them. An outcome is accepted, rejected, dropped or failed, or one of the reasons
for which requests are rejected.

With --json, each line is the record as /segment_pixel/live has it, with the
payload. --redact hides the values in payloads.

At its end, it says on standard error which source's pixels needed which repair, and
in how many of those that were shown.

Exit status: 0 when it was ended; 1 if Caddy could not be asked in the first place.`,
		Args: cobra.NoArgs,
	}
	adminapi.AddFlags(cmd)
	flags := cmd.Flags()
	flags.String("source", "", "Only these sources")
	flags.String("type", "", "Only these event types")
	flags.String("outcome", "", "Only these outcomes or reasons")
	flags.String("fetch", "", "Only these kinds of fetchers, such as reader or proxy/gmail")
	flags.Bool("new", false, "Leave out what came before")
	flags.Bool("json", false, "Print records as JSON")
	flags.Bool("redact", false, "Hide the values in payloads")
	flags.String("color", "auto", "Use colours: auto, always or never")
	cmd.RunE = cli.Run(runTail)
	return cmd
}

func runTail(cmd *cobra.Command, _ []string) error {
	admin, err := adminapi.FromFlags(cmd)
	if err != nil {
		return err
	}
	flags := cmd.Flags()
	t := &tail{admin: admin, query: make(url.Values), out: cmd.OutOrStdout(), notes: cmd.ErrOrStderr(), mended: newMendedCounts()}
	for _, name := range []string{"source", "type", "outcome", "fetch"} {
		if value, _ := flags.GetString(name); value != "" {
			t.query.Set(name, value)
		}
	}
	if redact, _ := flags.GetBool("redact"); redact {
		t.query.Set("redact", "true")
	}
	if onlyNew, _ := flags.GetBool("new"); onlyNew {
		t.query.Set("recent", "false")
	}
	t.json, _ = flags.GetBool("json")
	mode, _ := flags.GetString("color")
	if t.paint, err = colours(mode, t.out); err != nil {
		return err
	}
	ctx, stop := cli.Interruptible(cmd)
	defer stop()
	err = t.Run(ctx)
	t.mended.print(t.notes)
	return err
}

// tail prints the records of a stream.
type tail struct {
	admin      *adminapi.Client
	query      url.Values
	out, notes io.Writer
	json       bool
	paint      terminal.Palette
	lastID     string
	mended     *mendedCounts
}

// Run returns when the context ends, or when there is nobody to ask at the beginning.
func (t *tail) Run(ctx context.Context) error {
	connected, said := false, false
	for ctx.Err() == nil {
		err := t.follow(ctx, func() {
			if said {
				_, _ = fmt.Fprintln(t.notes, "connected again")
			} else if !connected {
				_, _ = fmt.Fprintln(t.notes, "following Caddy until Ctrl-C: requests show here as they come")
			}
			connected, said = true, false
		})
		if errors.Is(err, errOutput) || !connected && ctx.Err() == nil {
			return err
		}
		if err != nil && !said && ctx.Err() == nil {
			_, _ = fmt.Fprintf(t.notes, "Caddy does not answer, trying on: %v\n", err)
			said = true
		}
		select {
		case <-time.After(tailRetry):
		case <-ctx.Done():
		}
	}
	return nil
}

var errOutput = errors.New("writing the output")

// follow prints one stream to its end.
func (t *tail) follow(ctx context.Context, connected func()) error {
	header := make(http.Header)
	if t.lastID != "" {
		header.Set("Last-Event-ID", t.lastID)
	}
	response, err := t.admin.Do(ctx, http.MethodGet, adminapi.Path+"live?"+t.query.Encode(), header, http.NoBody)
	if err != nil {
		return adminapi.Explain(err)
	}
	connected()
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxTailLine)
	name := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			t.lastID = value
		case "data":
			if err := t.print(name, value); err != nil {
				return fmt.Errorf("%w: %w", errOutput, err)
			}
			name = ""
		}
	}
	return nil // It comes again if Caddy does.
}

func (t *tail) print(name, data string) error {
	if name == "missed" {
		_, err := fmt.Fprintf(t.notes, "some requests came too fast to be shown: %s\n", data)
		return err
	}
	var v watch.View
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		return err
	}
	t.mended.add(&v)
	if t.json {
		_, err := fmt.Fprintln(t.out, data)
		return err
	}
	_, err := fmt.Fprintln(t.out, line(t.paint, &v))
	return err
}
