// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// onlyForRejected are the flags of replay that are about rejected requests.
var onlyForRejected = []string{"to", "path-prefix", "address", "stream", "reason", "source", "since", "from-seq"}

// checkUndeliverableFlags tells which flags do not go together.
func checkUndeliverableFlags(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if !flags.Changed("undeliverable") {
		for _, name := range []string{"from-line", "left"} {
			if flags.Changed(name) {
				return fmt.Errorf("--%s is about a file of undeliverable events: name it with --undeliverable", name)
			}
		}
		return nil
	}
	for _, name := range onlyForRejected {
		if flags.Changed(name) {
			return fmt.Errorf("--%s is about rejected requests, and undeliverable events are published to the subjects that they have: "+
				"remove it or --undeliverable", name)
		}
	}
	return nil
}

// runReplayUndeliverable publishes what a sink has set aside.
func runReplayUndeliverable(ctx context.Context, cmd *cobra.Command) error {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	name := flags.String("undeliverable")
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("--undeliverable must name a file that you may read, as the user of the service may: %w", err)
	}
	defer func() { _ = file.Close() }()
	configured, release, err := offline.FindHandlers(ctx, flags.String("config"), flags.String("adapter"), "")
	if err != nil {
		return err
	}
	defer release()
	if err := offline.Require(configured, offline.AnySink); err != nil {
		return err
	}
	sink, err := undeliverableSink(configured, flags.Int("sink"), name)
	if err != nil {
		return err
	}
	publisher, err := sinks.OpenUndeliverable(ctx, sink)
	if err != nil {
		return err
	}
	defer publisher.Close()

	r := undeliverableReplay{
		name:     name,
		lines:    newAsideLines(file),
		publish:  publisher.Publish,
		progress: cmd.ErrOrStderr(),
	}
	r.limit, _ = flags.GetUint64("limit") // These are defined with the command.
	r.from, _ = flags.GetUint64("from-line")
	if r.dry = flags.Bool("dry-run"); r.dry {
		r.publish = checkingOnly(publisher)
	} else if left := flags.String("left"); left != "" {
		if r.left, err = createLeftFile(left); err != nil {
			return err
		}
	}
	err = errors.Join(r.Run(ctx), r.left.close())
	if writeErr := cli.Print(cmd, r.asJSON(), r.summary()); err == nil {
		err = writeErr
	}
	if err == nil && r.tally.notStored() > 0 {
		return cli.Exit(cli.ExitRejected)
	}
	return err
}

// undeliverableSink finds the sink to whose NATS events go: the one in whose spool the
// file is, unless another is asked for.
func undeliverableSink(handlers []offline.Handler, number int, file string) (sinks.Sink, error) {
	if number == 0 {
		for _, h := range handlers {
			for _, sink := range h.Sinks() {
				if sinks.KeepsInSpool(sink.Sink, file) {
					return sink.Sink, nil
				}
			}
		}
	}
	return chooseSink(handlers, number, sinks.PublishesToStreams,
		"no sink of the configuration publishes to a stream: only jetstream does",
		"several sinks publish to streams, and the file is in the spool of none")
}

// checkingOnly tells what publishing would come to.
func checkingOnly(publisher *sinks.UndeliverablePublisher) publishFunc {
	return func(ctx context.Context, events []*sinks.Undeliverable) ([]sinks.Published, error) {
		results := make([]sinks.Published, len(events))
		for i, event := range events {
			var err error
			if results[i], err = publisher.Check(ctx, event); err != nil {
				return results, err
			}
		}
		return results, nil
	}
}

type publishFunc func(context.Context, []*sinks.Undeliverable) ([]sinks.Published, error)

const (
	// batchEvents and batchBytes are how much is published before acks are waited for.
	batchEvents = 256
	batchBytes  = 4 << 20
)

// undeliverableReplay publishes the events of a file. The file stays as it is: Caddy
// may add to it at any time.
type undeliverableReplay struct {
	name     string
	lines    *asideLines
	publish  publishFunc
	dry      bool
	from     uint64 // the first line that counts
	limit    uint64
	left     *leftFile // nil if nobody asked for one
	progress io.Writer

	tally undeliverableTally
	next  uint64 // the line to go on from; zero if there is none
}

// asideEvent is an event with the line that it stands in.
type asideEvent struct {
	asideLine
	event *sinks.Undeliverable
}

func (r *undeliverableReplay) Run(ctx context.Context) error {
	told := time.Now()
	r.next = max(r.from, 1)
	for {
		batch, end, err := r.gather()
		if err != nil {
			return err
		}
		if err := r.take(ctx, batch); err != nil {
			if ctx.Err() != nil {
				return errors.New("the replay was interrupted")
			}
			return err
		}
		if end {
			r.next = 0
			return nil
		}
		r.next = r.lines.number + 1
		if r.limit > 0 && r.tally.stored >= r.limit {
			return nil
		}
		if time.Since(told) >= progressPause {
			told = time.Now()
			_, _ = fmt.Fprintf(r.progress, "%d lines read, %d events stored\n", r.tally.read, r.tally.stored)
		}
	}
}

// gather reads the events that are published at once, and leaves damaged lines out.
func (r *undeliverableReplay) gather() (batch []asideEvent, end bool, err error) {
	most, size := uint64(batchEvents), 0
	if r.limit > 0 {
		most = min(most, r.limit-r.tally.stored)
	}
	for uint64(len(batch)) < most && size < batchBytes {
		line, err := r.lines.Next()
		if errors.Is(err, io.EOF) {
			return batch, true, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", r.name, err)
		}
		if line.number < r.from || len(line.text) == 0 {
			continue
		}
		r.tally.read++
		event, err := sinks.ParseUndeliverable(line.text)
		if err != nil {
			if line.torn {
				err = errors.New("it has no end: a crash has cut it, or it is being written")
			}
			r.tally.damage(line.number, err)
			if err := r.left.Add(line.text); err != nil {
				return nil, false, err
			}
			continue
		}
		size += len(line.text)
		batch = append(batch, asideEvent{line, event})
	}
	return batch, false, nil
}

// take publishes events and counts what became of each.
func (r *undeliverableReplay) take(ctx context.Context, batch []asideEvent) error {
	events := make([]*sinks.Undeliverable, len(batch))
	for i := range batch {
		events[i] = batch[i].event
	}
	results, failed := r.publish(ctx, events)
	r.next = 0
	for i, result := range results {
		line := batch[i]
		switch {
		case result.Stored:
			r.tally.store(line.event, result.Before)
		case result.Refused != "":
			r.tally.refuse(line.number, line.event.Subject, result.Refused)
			if err := r.left.Add(line.text); err != nil {
				r.next = cmp.Or(r.next, line.number)
				return err
			}
		case r.next == 0:
			r.next = line.number
		}
	}
	if failed != nil {
		return fmt.Errorf("publishing the event in line %d: %w", r.next, failed)
	}
	return nil
}

// isOfSpool tells whether it is the file that Caddy adds to.
func (r *undeliverableReplay) isOfSpool() bool { return filepath.Base(r.name) == forward.AsideFile }
