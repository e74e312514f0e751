// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// logTally counts what the lines of a log were.
type logTally struct {
	Lines    uint64            `json:"lines"`
	Pixels   uint64            `json:"pixels"`
	Skipped  uint64            `json:"skipped"`
	TooLong  uint64            `json:"too_long"`
	Accepted uint64            `json:"accepted"`
	Rejected map[string]uint64 `json:"rejected"`
	Repairs  map[string]uint64 `json:"repairs"`

	Hidden  uint64 `json:"hidden,omitempty"`  // pixels whose query is not in the log, and whose outcome is not either
	Dropped uint64 `json:"dropped,omitempty"` // these two as the log says
	Failed  uint64 `json:"failed,omitempty"`

	requests  uint64 // lines that are requests, with a pixel or without
	elsewhere uint64 // of these, those to a path that is no pixel's
}

// explainFile explains the pixels of a file, which may be compressed.
func (e *explainer) explainFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	in := bufio.NewReader(file)
	if magic, _ := in.Peek(2); string(magic) != "\x1f\x8b" {
		return e.explainLog(in)
	}
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return e.explainLog(unzipped)
}

// explainLog explains the pixels among the lines of a log. It keeps nothing of a line
// but its place in the counts.
func (e *explainer) explainLog(in io.Reader) error {
	lines, out := accesslog.NewReader(in), bufio.NewWriter(e.out)
	e.out = out
	tally := logTally{Rejected: make(map[string]uint64), Repairs: make(map[string]uint64)}
	for {
		line, tooLong, err := lines.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("reading the log: %w", err)
			}
			break
		}
		tally.Lines++
		if tooLong {
			tally.TooLong++
		} else if err := e.explainLine(line, &tally); err != nil {
			return err
		}
		if lines.Idle() {
			// Somebody may be watching a log that grows.
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	if err := e.printTally(&tally); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if len(tally.Rejected) > 0 || tally.Dropped+tally.Failed > 0 {
		return cli.Exit(cli.ExitRejected)
	}
	return e.unexplained(&tally)
}

// unexplained tells why a log that shows nothing wrong does not show that all is well
// either.
func (e *explainer) unexplained(t *logTally) error {
	switch {
	case t.TooLong > 0:
		return fmt.Errorf("not everything was read: skipped for being longer than 1 MiB: %s, which may hold a pixel", terminal.Plural(int(t.TooLong), "line"))
	case t.Hidden > 0 && t.Hidden == t.Pixels:
		return fmt.Errorf("what became of %s cannot be told: their query is hidden, and they have no outcome; have the log say it with log_append pixel {http.segment_pixel.outcome}",
			terminal.Plural(int(t.Hidden), "pixel"))
	case t.Pixels > 0:
		return nil
	case t.Lines == 0:
		return errors.New("there was no line to read: see whether the log is empty, or another file")
	case t.requests == 0:
		return fmt.Errorf("no pixel in %s: none is a request of an access log or a URL, so see whether this is the access log and its format one of those in the help",
			terminal.Plural(int(t.Lines), "line"))
	case t.elsewhere == 0:
		return fmt.Errorf("no pixel in %s: their method is HEAD or OPTIONS, which makes no event", terminal.Plural(int(t.requests), "request"))
	}
	return fmt.Errorf("no pixel in %s: none is under a path prefix (%s), so see whether this is the log of the right site, and name other prefixes with --path-prefix or --config",
		terminal.Plural(int(t.requests), "request"), strings.Join(handlers.AllPrefixes(e.handlersOf("")), ", "))
}

func (e *explainer) explainLine(line []byte, tally *logTally) error {
	logged, ok := accesslog.ParseLine(line)
	if !ok {
		tally.Skipped++
		return nil
	}
	tally.requests++
	if !handlers.IsPixel(logged.Method) {
		tally.Skipped++
		return nil
	}
	site := e.handlersOf(logged.Host)
	v := handlers.Judge(site, logged, e.bare)
	if v.Handler == handlers.NoHandler {
		tally.Skipped++
		tally.elsewhere++
		return nil
	}
	if logged.Hidden() {
		return e.recorded(v, logged, tally)
	}
	tally.Add(v)
	if e.json {
		return e.printLineJSON(v, site, logged, tally.Lines)
	}
	return e.printLine(v, site, logged, tally.Lines)
}

// recorded takes the outcome from a line whose query was taken out, if it is there.
func (e *explainer) recorded(v handlers.Judgement, logged accesslog.Request, tally *logTally) error {
	tally.Pixels++
	line := lineJSON{Line: tally.Lines, Type: v.Type.String(), Outcome: logged.Outcome, Detail: "as the log says, whose query is hidden"}
	switch logged.Outcome {
	case "":
		tally.Hidden++
		line.Outcome, line.Detail = "unknown", "the query is hidden, and the outcome is not in the log"
	case pixel.OutcomeAccepted:
		tally.Accepted++
	case "dropped":
		tally.Dropped++
	case "failed":
		tally.Failed++
	default:
		tally.Rejected[logged.Outcome]++
		line.Outcome, line.Reason = pixel.OutcomeRejected, logged.Outcome
	}
	if e.json {
		return cli.PrintJSON(e.out, line, "")
	}
	more := line.Detail
	if line.Reason != "" {
		more = line.Reason + ": " + more
	}
	_, err := fmt.Fprintf(e.out, "%6d  %-8s  %-8s  %s\n", line.Line, line.Outcome, cmp.Or(line.Type, "-"), more)
	return err
}

func (t *logTally) Add(v handlers.Judgement) {
	t.Pixels++
	if v.Rejection != nil {
		t.Rejected[v.Rejection.Reason.String()]++
		return
	}
	t.Accepted++
	for _, name := range v.Repairs.Names() {
		t.Repairs[name]++
	}
}

// printLine writes the judgement on the pixel of a line, and its steps if they are
// wanted.
func (e *explainer) printLine(v handlers.Judgement, site []handlers.Handler, logged accesslog.Request, number uint64) error {
	var b strings.Builder
	outcome, more := pixel.OutcomeAccepted, v.Repairs.String()
	if v.Rejection != nil {
		outcome, more = pixel.OutcomeRejected, v.Rejection.Reason.String()+": "+terminal.Printable(v.Rejection.Detail)
	} else if more != "" {
		more = "mended: " + more
	}
	about := fmt.Sprintf("%-8s", cmp.Or(v.Type.String(), "-"))
	if e.checksKeys {
		about += fmt.Sprintf("  %-8s", cmp.Or(v.Source, "-"))
	}
	b.WriteString(strings.TrimRight(fmt.Sprintf("%6d  %s  %s  %s", number, outcome, about, more), " ") + "\n")
	if e.verbose {
		x := v.Explain(site, logged)
		e.writeSteps(&b, x.Steps, strings.Repeat(" ", 8))
	}
	_, err := io.WriteString(e.out, b.String())
	return err
}

// lineJSON is the judgement on the pixel of a line.
type lineJSON struct {
	Line    uint64       `json:"line"`
	Outcome string       `json:"outcome"`
	Reason  string       `json:"reason,omitempty"`
	Detail  string       `json:"detail,omitempty"`
	Type    string       `json:"type,omitempty"`
	Source  string       `json:"source,omitempty"`
	Repairs []string     `json:"repairs,omitempty"`
	Steps   []pixel.Step `json:"steps,omitempty"`
}

func (e *explainer) printLineJSON(v handlers.Judgement, site []handlers.Handler, logged accesslog.Request, number uint64) error {
	line := lineJSON{
		Line: number, Outcome: pixel.OutcomeAccepted,
		Type: v.Type.String(), Source: v.Source, Repairs: v.Repairs.Names(),
	}
	if v.Rejection != nil {
		line.Outcome, line.Reason, line.Detail = pixel.OutcomeRejected, v.Rejection.Reason.String(), v.Rejection.Detail
	}
	if e.verbose {
		line.Steps = v.Explain(site, logged).Steps
	}
	return cli.PrintJSON(e.out, line, "")
}

// printTally ends the output with the counts, in the order in which reasons are
// tested, and what to do about them.
func (e *explainer) printTally(t *logTally) error {
	if e.json {
		return cli.PrintJSON(e.out, map[string]any{"summary": t, "write_key_checked": e.checksKeys}, "")
	}
	var b strings.Builder
	if t.Pixels > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "pixels in %d of %d lines; skipped %d without one", t.Pixels, t.Lines, t.Skipped)
	if t.TooLong > 0 {
		fmt.Fprintf(&b, " and %d longer than 1 MiB", t.TooLong)
	}
	b.WriteByte('\n')
	if t.Pixels > 0 {
		fmt.Fprintf(&b, "%8d  accepted\n", t.Accepted)
	}
	for _, other := range []struct {
		n    uint64
		what string
	}{
		{t.Dropped, "dropped: a sink did not take the event; see caddy segment-pixel doctor"},
		{t.Failed, "failed: a fault of segment_pixel itself, which is in Caddy's log"},
		{t.Hidden, "unknown: the query is hidden, and the outcome is not in the log"},
	} {
		if other.n > 0 {
			fmt.Fprintf(&b, "%8d  %s\n", other.n, other.what)
		}
	}
	for _, reason := range pixel.Reasons() {
		if n := t.Rejected[reason.String()]; n > 0 {
			fmt.Fprintf(&b, "%8d  %s\n%s", n, reason, terminal.Wrapped(reason.Hint(), strings.Repeat(" ", 10)))
		}
	}
	for _, name := range (^pixel.Repair(0)).Names() {
		if n := t.Repairs[name]; n > 0 {
			fmt.Fprintf(&b, "%8d  mended: %s\n%s", n, name, terminal.Wrapped(pixel.RepairHint(name), strings.Repeat(" ", 10)))
		}
	}
	if !e.checksKeys && t.Pixels > 0 {
		b.WriteString("Write keys were not compared with any: name a configuration with --config to check them.\n")
	}
	_, err := io.WriteString(e.out, b.String())
	return err
}
