// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
)

// New makes the verb explain.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain <url>|<file>|- [--config <path> [--adapter <name>]] [--type <type>] [--path-prefix <path>...] " +
			"[--max-event-size <size>] [--seal <file>] [--json] [--verbose]",
		Short: "Tells step by step what becomes of a pixel",
		Long: `
Decodes a pixel as the handler does, without sending it anywhere, and tells each
step: what went in, what was mended, what came out, and what is wrong.

The pixel is a URL, a path with a query, a query alone, a request line, or an image
tag as it stands in HTML. Put it into single quotes, because a shell takes & for its own:

    $ caddy segment-pixel explain 'https://example.com/v1/pixel/track?data=eyJ...'

A file is read line by line, or standard input with -: an access log, in Caddy's JSON
or the common or combined format, also one that was compressed with gzip, or URLs. Each
pixel becomes one line, and the reasons are counted at the end; --verbose adds the
steps. Lines that are no pixel are skipped and counted:

    $ caddy segment-pixel explain /var/log/caddy/access.log

Where a filter has taken the query out of the log, the outcome is what the log says it
was, if log_append wrote {http.segment_pixel.outcome} into it. Why it was so cannot be
told from there.

Without --config every write key is taken for a known one. With --config it is
checked, and path prefixes, limits and signals are those of the configuration's
handlers; of several sites, that with the host of the URL counts. With --seal, sealed
pixels are opened with the keys of that file.

The value of a write key is never shown. The event is shown as it would be published.

Exit status: 0 if every pixel would be accepted; 4 if at least one would be rejected;
1 if the command could not be run or, with a log, none would be rejected but no line had
a pixel, a line was too long to be read, or no line says what became of its pixel.`,
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.StringP("config", "c", "", "Configuration file whose handlers decode")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply")
	flags.String("type", "track", "The event type of a query that comes without a path")
	flags.StringSlice("path-prefix", nil, "The path under which event types are found; may be repeated (default "+handlers.DefaultPathPrefix+")")
	flags.String("max-event-size", "", "The largest object that is accepted (default 32KiB)")
	flags.String("seal", "", "A file with keys of caddy segment-pixel key, to open sealed pixels with")
	flags.Bool("json", false, "Print JSON, with - one object a line")
	flags.BoolP("verbose", "v", false, "With -, print the steps of each pixel")
	cmd.RunE = cli.Run(runExplain)
	return cmd
}

// explainer holds what the command was told.
type explainer struct {
	handlersOf func(host string) []handlers.Handler
	checksKeys bool // whether the write keys are those of a configuration
	bare       pixel.Type
	json       bool
	verbose    bool
	out, warn  io.Writer
	paint      terminal.Palette
}

func runExplain(cmd *cobra.Command, args []string) error {
	e, release, err := newExplainer(cmd)
	if err != nil {
		return err
	}
	defer release()
	if args[0] == "-" {
		return e.explainLog(cmd.InOrStdin())
	}
	if info, err := os.Stat(args[0]); err == nil && info.Mode().IsRegular() {
		return e.explainFile(args[0])
	}
	target, err := link.Parse(args[0])
	if err != nil {
		return err
	}
	logged := accesslog.Request{Request: accesslog.NewRequest(target)}
	if !handlers.IsPixel(logged.Method) {
		return fmt.Errorf("%s is answered, but makes no event and is not rejected: there is nothing to explain", logged.Method)
	}
	site := e.handlersOf(target.Host)
	x := handlers.Judge(site, logged, e.bare).Explain(site, logged)
	if e.json {
		err = cli.PrintJSON(e.out, explainedJSON{x, e.checksKeys}, "  ")
	} else {
		err = e.print(x)
	}
	if err == nil && x.Rejected() {
		return cli.Exit(cli.ExitRejected)
	}
	return err
}

func newExplainer(cmd *cobra.Command) (e *explainer, release func(), err error) {
	flags := cmd.Flags()
	e = &explainer{out: cmd.OutOrStdout(), warn: cmd.ErrOrStderr(), paint: terminal.Colours(cmd.OutOrStdout())}
	// Flags that are defined here cannot fail to be read.
	e.json, _ = flags.GetBool("json")
	e.verbose, _ = flags.GetBool("verbose")
	if e.bare, err = cli.EventType(cmd); err != nil {
		return nil, nil, err
	}
	config, _ := flags.GetString("config")
	adapter, _ := flags.GetString("adapter")
	prefixes, _ := flags.GetStringSlice("path-prefix")
	size, _ := flags.GetString("max-event-size")
	seals, _ := flags.GetString("seal")
	if config != "" {
		if flags.Changed("path-prefix") || flags.Changed("max-event-size") || flags.Changed("seal") {
			return nil, nil, errors.New("--path-prefix, --max-event-size and --seal come from the configuration: leave them out, or --config")
		}
		release, err = e.Configure(cmd.Context(), config, adapter)
		return e, release, err
	}
	if adapter != "" {
		return nil, nil, errors.New("--adapter is of use only with --config: name the configuration file")
	}
	bytes := uint64(0)
	if size != "" {
		if bytes, err = humanize.ParseBytes(size); err != nil || bytes < 1 || bytes > handlers.MaxMaxEventSize {
			return nil, nil, fmt.Errorf("--max-event-size is %q: write a size from 1B to 64MiB", size)
		}
	}
	h, err := handlers.Offline(handlers.Pixels{PathPrefixes: prefixes, MaxEventSize: int(bytes), SealFile: seals})
	if err != nil {
		return nil, nil, fmt.Errorf("--path-prefix: %w", err)
	}
	if err := h.Load(); err != nil {
		return nil, nil, err
	}
	e.handlersOf = func(string) []handlers.Handler { return []handlers.Handler{h} }
	return e, func() {}, nil
}

// Configure takes the handlers from a configuration file.
func (e *explainer) Configure(ctx context.Context, config, adapter string) (release func(), err error) {
	configured, release, err := offline.FindHandlers(ctx, config, adapter, "")
	if err != nil {
		return nil, err
	}
	for _, h := range configured {
		if err := h.Load(); err != nil {
			release()
			return nil, err
		}
	}
	offline.WarnOfMissing(e.warn, configured)
	e.checksKeys = true
	byHost := make(map[string][]handlers.Handler)
	e.handlersOf = func(host string) []handlers.Handler {
		name := host
		if withoutPort, _, err := net.SplitHostPort(host); err == nil {
			name = withoutPort
		}
		handlers, known := byHost[name]
		if !known {
			for _, h := range offline.OfSite(configured, name) {
				handlers = append(handlers, h.Handler)
			}
			if len(byHost) < mostHosts {
				byHost[name] = handlers
			}
		}
		return handlers
	}
	return release, nil
}

// mostHosts bounds how many hosts of a log are remembered, which clients make up.
const mostHosts = 1000

// explainedJSON is an explanation together with what the command knows of it.
type explainedJSON struct {
	*pixel.Explanation
	WriteKeyChecked bool `json:"write_key_checked"`
}
