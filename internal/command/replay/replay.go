// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

const replayHelp = `
Reads requests that were rejected from the stream that keeps them, and sends those
again that the configuration now accepts: after a write key that was missing has
been added, or a limit has been raised.

Rejected requests are published below segment.rejected and kept nowhere unless
a stream takes them. To keep them:

  $ nats stream add SEGMENT_REJECTED --subjects 'segment.rejected.>' \
      --max-age 30d --max-bytes 1GiB --discard old --defaults

Each is decoded first with the handlers of the configuration. What they would reject
again is counted and left where it is; the rest is requested as pixels from --to.

The Caddy at --to must run with that configuration, so reload it first. A pixel is
answered either way, and an answer does not tell whether it was accepted. Therefore
name the admin endpoint of that Caddy with --address: it is then asked about each
pixel first, and the replay stops before one that would be rejected.

An event without a messageId gets one that is made from the message in the stream, so that
sending it twice stores it once within the stream's duplicate window, and one whose
time would be that of the replay keeps its own. What cannot be known any more are
the client's address and user agent: context.ip becomes that of this machine, and
context.userAgent is missing, unless the payload has them.

Not sent are requests of which the stream has the first 8 KiB alone, those that
opted out, whose query is not kept, and undeliverable events, for which there is
--undeliverable.

A replay that was interrupted goes on with --from-seq, whose number it prints.

With --undeliverable, it publishes the events that no stream could store, which Caddy
has set aside in undeliverable.ndjson of the spool: each to its subject with its
message id, by the login of the jetstream sink in whose spool the file is, or of the
only one. The stream acknowledges each. Move the file away first; Caddy, which may run,
begins a new one:

    $ cd /var/lib/caddy/segment_pixel/jetstream-0123456789ab
    $ mv undeliverable.ndjson aside.ndjson
    $ caddy segment-pixel replay --config /etc/caddy/Caddyfile \
        --undeliverable aside.ndjson --left left.ndjson

The file stays as it is. --left has what NATS still refuses, and lines that are
damaged, written to a new file. Doing it again is harmless within the duplicate window
of the stream; events without a message id are stored again. One that was interrupted
goes on with --from-line.

Exit status: 0 if everything was answered, or stored; 4 if some of it is still rejected
or refused, or was cut or damaged, and so not sent; 1 if it could not be run to its end.`

// New makes the verb replay.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay --to <url> [--path-prefix <path>] [--address <interface>] [--config <path> [--adapter <name>]] [--sink <number>] [--stream <name>] " +
			"[--reason <reason>...] [--source <source>] [--since <time> | --from-seq <number>] [--limit <number>] [--dry-run] [--json]\n" +
			"  caddy segment-pixel replay --undeliverable <file> [--config <path> [--adapter <name>]] [--sink <number>] " +
			"[--from-line <number>] [--left <file>] [--limit <number>] [--dry-run] [--json]",
		Short: "Sends rejected requests and undeliverable events again, after what was wrong has been mended",
		Long:  replayHelp,
		Args:  cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringP("config", "c", "", "Configuration file")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply")
	flags.Int("sink", 0, "Which of the sinks that publish rejected requests to read them from, or of the jetstream sinks to publish by, if there are several")
	flags.String("stream", "", "The stream that keeps them (default: the one that takes their subject)")
	flags.StringSlice("reason", nil, "Send only what was rejected for this reason; may be repeated")
	flags.String("source", "", "Send only what belongs to this source")
	flags.String("since", "", "Begin with what was rejected so long ago, as in 24h, or at this time (RFC 3339)")
	flags.Uint64("from-seq", 0, "Begin with this sequence number of the stream")
	flags.String("to", "", "The URL of the site to send to, such as https://example.com")
	flags.String("path-prefix", "", "The path under which it takes pixels (default: that of its handler)")
	flags.String("address", "", "The address of the admin endpoint of the Caddy at --to, to ask it about each pixel first")
	flags.String("undeliverable", "", "Publish the events of this file, which no stream could store, instead of sending requests")
	flags.Uint64("from-line", 0, "Begin with this line of the file")
	flags.String("left", "", "A new file for the lines that were not stored")
	flags.Uint64("limit", 0, "Send no more than this many (default: all)")
	flags.Bool("dry-run", false, "Only tell what would be sent")
	flags.Bool("json", false, "Print the result as JSON")
	cmd.RunE = cli.Run(runReplay)
	return cmd
}

func runReplay(cmd *cobra.Command, _ []string) error {
	if err := checkUndeliverableFlags(cmd); err != nil {
		return err
	}
	ctx, stop := cli.Interruptible(cmd)
	defer stop()
	if cmd.Flags().Changed("undeliverable") {
		return runReplayUndeliverable(ctx, cmd)
	}
	return runReplayRejected(ctx, cmd)
}

// runReplayRejected sends what a stream has kept.
func runReplayRejected(ctx context.Context, cmd *cobra.Command) error {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	filter, err := replayFilter(flags)
	if err != nil {
		return err
	}
	target, err := replayTarget(flags)
	if err != nil {
		return err
	}
	configured, release, err := offline.FindHandlers(ctx, flags.String("config"), flags.String("adapter"), flags.String("address"))
	if err != nil {
		return err
	}
	defer release()
	if err := offline.Require(configured, offline.AnySink); err != nil {
		return err
	}
	offline.WarnOfMissing(cmd.ErrOrStderr(), configured)
	handlers, sink, err := replayHandlers(configured, flags.Int("sink"), target.Hostname())
	if err != nil {
		return err
	}
	reader, err := sinks.OpenRejected(ctx, sink, filter)
	if err != nil {
		return err
	}
	defer reader.Close()

	prefix := flags.String("path-prefix")
	if prefix == "" {
		prefix = handlers[0].Options().PathPrefixes[0]
	}
	r := replay{
		reader:   reader,
		restorer: restorer{stream: reader.Stream, handlers: handlers},
		source:   flags.String("source"),
		progress: cmd.ErrOrStderr(),
		tally:    newReplayTally(),
	}
	r.limit, _ = flags.GetUint64("limit") // It is defined above.
	if address := flags.String("address"); address != "" {
		if r.running, err = newRunningCaddy(address, prefix, handlers[0].Options().PathPrefixes[0]); err != nil {
			return err
		}
	}
	if !flags.Bool("dry-run") {
		r.sender = newPixelSender(target, prefix)
		defer r.sender.close()
	}
	err = r.Run(ctx)
	if writeErr := cli.Print(cmd, r.asJSON(), r.summary(target, prefix)); err == nil {
		err = writeErr
	}
	if err == nil && r.tally.notSent() > 0 {
		return cli.Exit(cli.ExitRejected)
	}
	return err
}

// replayHandlers are those of the configuration that decode, with their write keys,
// and the sink whose rejected requests are read.
func replayHandlers(configured []offline.Handler, number int, host string) ([]offline.Handler, sinks.Sink, error) {
	sink, err := rejectingSink(configured, number)
	if err != nil {
		return nil, nil, err
	}
	handlers := offline.OfSite(configured, host)
	for _, h := range handlers {
		if err := h.Load(); err != nil {
			return nil, nil, err
		}
	}
	return handlers, sink, nil
}

func replayFilter(flags caddycmd.Flags) (sinks.RejectedFilter, error) {
	filter := sinks.RejectedFilter{Stream: flags.String("stream")}
	var err error
	if filter.Reasons, err = flags.GetStringSlice("reason"); err != nil {
		return filter, err
	}
	var known []string
	for _, reason := range pixel.Reasons() {
		known = append(known, reason.String())
	}
	for _, reason := range filter.Reasons {
		if !slices.Contains(known, reason) {
			return filter, fmt.Errorf("--reason %s is none: write %s", reason, strings.Join(known, ", "))
		}
	}
	if filter.From, err = flags.GetUint64("from-seq"); err != nil {
		return filter, err
	}
	since := flags.String("since")
	if since == "" {
		return filter, nil
	}
	if filter.From > 0 {
		return filter, errors.New("--since and --from-seq both say where to begin: remove one of them")
	}
	if ago, err := caddy.ParseDuration(since); err == nil && ago > 0 {
		filter.Since = time.Now().Add(-ago)
		return filter, nil
	}
	if filter.Since, err = time.Parse(time.RFC3339, since); err != nil {
		return filter, fmt.Errorf("--since %s is no time: write how long ago, as in 24h, or a time such as 2026-11-23T12:00:00Z", since)
	}
	return filter, nil
}

// replayTarget may be left out for a dry run, which sends nothing.
func replayTarget(flags caddycmd.Flags) (*url.URL, error) {
	to := flags.String("to")
	if to == "" && flags.Bool("dry-run") {
		return new(url.URL), nil
	}
	target, err := url.Parse(to)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" ||
		target.RawQuery != "" || target.Fragment != "" {
		return nil, errors.New("--to must be the URL of the site to send to, such as https://example.com")
	}
	return target, nil
}

// rejectingSink finds the sink whose rejected requests are read.
func rejectingSink(handlers []offline.Handler, number int) (sinks.Sink, error) {
	return chooseSink(handlers, number, sinks.PublishesRejected,
		"no sink of the configuration publishes rejected requests: only nats and jetstream do, unless rejected is off",
		"several sinks publish rejected requests")
}

// chooseSink finds the one sink that fits, or that with the number among those that do.
// The texts say what is wrong if there is none, or if there are several.
func chooseSink(handlers []offline.Handler, number int, fits func(sinks.Sink) bool, none, several string) (sinks.Sink, error) {
	var found []sinks.Sink
	var names, known []string
	for i, h := range handlers {
		for n, sink := range h.Sinks() {
			name, key := h.SinkIdentity(n)
			if !fits(sink.Sink) || slices.Contains(known, key) {
				continue
			}
			known = append(known, key)
			found = append(found, sink.Sink)
			names = append(names, fmt.Sprintf("%d is %s of %s", len(found), name, h.Describe(i)))
		}
	}
	switch {
	case len(found) == 0:
		return nil, errors.New(none)
	case number < 0 || number > len(found):
		return nil, fmt.Errorf("--sink %d is none: %s", number, strings.Join(names, "; "))
	case number > 0:
		return found[number-1], nil
	case len(found) > 1:
		return nil, fmt.Errorf("%s: choose one with --sink; %s", several, strings.Join(names, "; "))
	}
	return found[0], nil
}
