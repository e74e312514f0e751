// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// progressPause is how often a replay says how far it is.
const progressPause = 5 * time.Second

// replay sends what a stream has kept.
type replay struct {
	reader   *sinks.RejectedReader
	restorer restorer
	sender   *pixelSender  // nil for a dry run
	running  *runningCaddy // nil if it is not asked
	source   string
	limit    uint64
	progress io.Writer

	tally replayTally
	next  uint64 // the sequence number to go on from; zero if there is none
}

// Run takes one request after the other, so that an interrupted replay can go on.
func (r *replay) Run(ctx context.Context) error {
	told := time.Now()
	for {
		rejected, err := r.reader.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			r.next = 0
			return nil
		case err != nil:
			return r.interrupted(ctx, err)
		}
		r.next = rejected.Sequence
		if r.limit > 0 && r.tally.sent >= r.limit {
			return nil
		}
		if err := r.take(ctx, rejected); err != nil {
			return r.interrupted(ctx, err)
		}
		r.tally.read++
		r.next = rejected.Sequence + 1
		if time.Since(told) >= progressPause {
			told = time.Now()
			_, _ = fmt.Fprintf(r.progress, "%d of %d read, %d of them to be sent\n", r.tally.read, r.reader.Waiting, r.tally.sent)
		}
	}
}

func (r *replay) interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("the replay was interrupted")
	}
	return err
}

// take sends one request or counts why it is not sent.
func (r *replay) take(ctx context.Context, rejected *sinks.Rejected) error {
	if r.source != "" && rejected.Source != "" && rejected.Source != r.source {
		r.tally.otherSource++
		return nil
	}
	switch rejected.Reason {
	case pixel.Undeliverable.String(), pixel.GPC.String(), pixel.DNT.String():
		r.tally.skipped[rejected.Reason]++
		return nil
	case pixel.Method.String():
		r.tally.rejected[rejected.Reason]++
		return nil
	}
	switch {
	case rejected.Cut:
		r.tally.cut++
		return nil
	case rejected.Query == "" && rejected.Reason != pixel.NoData.String():
		// The request opted out, and was rejected for something else as well.
		r.tally.skipped["opted out"]++
		return nil
	}
	result := r.restorer.restore(rejected)
	switch {
	case r.source != "" && result.source != r.source:
		r.tally.otherSource++
	case result.rejected != "":
		r.tally.rejected[result.rejected]++
	case result.altered:
		r.tally.altered++
	default:
		if err := r.send(ctx, rejected.Type, result.query); err != nil {
			return fmt.Errorf("sending the message %d of the stream: %w", rejected.Sequence, err)
		}
		r.tally.sent++
	}
	return nil
}

func (r *replay) send(ctx context.Context, typ pixel.Type, query string) error {
	if r.running != nil {
		if err := r.running.accepts(ctx, typ, query); err != nil {
			return err
		}
	}
	if r.sender == nil {
		return nil
	}
	return r.sender.send(ctx, typ, query)
}

// replayTally counts what became of the requests.
type replayTally struct {
	read, sent, cut, altered, otherSource uint64

	rejected map[string]uint64 // still, by reason
	skipped  map[string]uint64 // by reason
}

func newReplayTally() replayTally {
	return replayTally{rejected: make(map[string]uint64), skipped: make(map[string]uint64)}
}

// notSent is how many could not be sent, leaving out what is never meant to be.
func (t *replayTally) notSent() uint64 { return t.cut + t.altered + terminal.Total(t.rejected) }

// summary tells what became of the requests, and where to go on.
func (r *replay) summary(target *url.URL, prefix string) string {
	var b strings.Builder
	line := func(n uint64, format string, args ...any) {
		if n > 0 {
			fmt.Fprintf(&b, "%d "+format+"\n", append([]any{n}, args...)...)
		}
	}
	t := &r.tally
	fmt.Fprintf(&b, "stream %s: %d of %d rejected requests read\n", r.reader.Stream, t.read, r.reader.Waiting)
	if r.sender != nil {
		fmt.Fprintf(&b, "%d answered by %s\n", t.sent, pixelURL(target, prefix, ""))
	} else {
		fmt.Fprintf(&b, "%d would be sent\n", t.sent)
	}
	switch {
	case t.sent == 0:
	case r.running != nil:
		fmt.Fprintf(&b, "the Caddy at %s accepts them\n", r.running.admin.Address)
	case r.sender != nil:
		b.WriteString("whether it has accepted them is not known: every pixel is answered; --address has Caddy asked first\n")
	}
	line(terminal.Total(t.rejected), "are still rejected: %s", counted(t.rejected))
	line(t.cut, "were longer than 8 KiB: the rest of them is not kept")
	line(t.altered, "would lose their time or their messageId, as ignore_params names them")
	line(terminal.Total(t.skipped), "skipped: %s", counted(t.skipped))
	line(t.otherSource, "belong to another source, or to none that is known")
	if t.skipped[pixel.Undeliverable.String()] > 0 {
		b.WriteString("undeliverable events are whole in undeliverable.ndjson of the spool: publish them with --undeliverable\n")
	}
	if r.next > 0 {
		fmt.Fprintf(&b, "to go on: --from-seq %d\n", r.next)
	}
	return b.String()
}

// counted lists counts by their names.
func counted(counts map[string]uint64) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(list, ", ")
}
