// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// streamsSeen is what a stream keeper has found. It never changes.
type streamsSeen struct {
	names    []string
	takes    bool // some of them take events
	findings []string
	failure  string // why the last look has failed, if it did
	hint     string
}

// reportFailure logs why a look failed, unless the last one failed alike. What has
// been found before stays known: NATS may be without a leader for a moment.
func (k *Keeper) reportFailure(err error) {
	if err.Error() == k.failure {
		return
	}
	k.failure = err.Error()
	hint := streamHint(err)
	k.noteFailure(k.failure, hint)
	fields := []zap.Field{zap.Error(err)}
	if hint != "" {
		fields = append(fields, zap.String("hint", hint))
	}
	k.logger().Warn("cannot look after the stream yet, trying on", fields...)
}

// report logs findings that differ from those of the last look.
func (k *Keeper) report(seen *streamsSeen) {
	streams, findings := seen.names, seen.findings
	failed := k.failure != ""
	k.failure = ""
	k.seen.Store(seen)
	if slices.Equal(findings, k.Last) {
		if failed {
			k.logger().Info("looked after the stream again: nothing has changed", zap.Strings("streams", streams))
		}
		return
	}
	k.Last = findings
	defer k.tell(streams, findings)
	if len(findings) == 0 {
		k.logger().Info("the stream is as it should be", zap.Strings("streams", streams))
		return
	}
	k.logger().Warn("the stream is not as it should be", zap.Strings("streams", streams), zap.Strings("findings", findings))
}

// tell passes on findings that differ from those of the last look.
func (k *Keeper) tell(streams, findings []string) {
	report.Tell(report.ChangeStreamFindings, map[string]any{
		"server": k.server, "subject": k.Subject,
		"streams": slices.Clone(streams), "findings": slices.Clone(findings),
	})
}

// noteFailure keeps what has been seen before.
func (k *Keeper) noteFailure(failure, hint string) {
	var seen streamsSeen
	if before := k.seen.Load(); before != nil {
		seen = *before
	}
	seen.failure, seen.hint = failure, hint
	k.seen.Store(&seen)
}

// streamHint says what to do when streams cannot be looked after, if it is known.
func streamHint(err error) string {
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return "check that JetStream is on in the server and for this account, and the option domain"
	case errors.Is(err, context.DeadlineExceeded):
		return "events may be published all the same; to have the stream looked after, " +
			"allow this user $JS.API.STREAM.NAMES and $JS.API.STREAM.INFO.*"
	}
	return ""
}

// Describe adds to a status what has been seen, and tells whether there may be a stream
// that takes events: nobody knows while it cannot be looked after.
func (k *Keeper) Describe(s *report.Status, batched bool) (takes bool) {
	seen := k.seen.Load()
	if seen == nil {
		return true
	}
	names := seen.names
	if names == nil {
		names = []string{}
	}
	s.Stream = &report.StreamStatus{Names: names, Batched: batched, Findings: seen.findings, Failure: seen.failure}
	for _, finding := range seen.findings {
		s.AddProblem(seen.sentence(finding))
	}
	if seen.failure != "" && s.Connected != nil && *s.Connected {
		problem := "the stream cannot be looked after: " + seen.failure
		if seen.hint != "" {
			problem += ": " + seen.hint
		}
		s.AddProblem(problem)
	}
	return seen.takes || seen.failure != ""
}

// sentence says what a finding that begins with the name of a stream is about.
func (s *streamsSeen) sentence(finding string) string {
	for _, name := range s.names {
		if strings.HasPrefix(finding, name+" ") {
			return "the stream " + finding
		}
	}
	return finding
}
