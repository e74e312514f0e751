// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"context"
	"errors"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// streamsSeen is what a stream keeper has found. It never changes.
type streamsSeen struct {
	names   []string
	takes   bool           // some of them take events
	missing string         // says that none does, and what to do
	lacks   []report.Check // of those that are there
	failure string         // why the last look has failed, if it did
	hint    string
}

// findings are what the log and the status say.
func (s *streamsSeen) findings() []string {
	texts := []string{} // a list in JSON, even of none
	if s.missing != "" {
		texts = append(texts, s.missing)
	}
	for _, lack := range s.lacks {
		texts = append(texts, lack.String())
	}
	return texts
}

// reportFailure logs why a look failed, unless the last one failed alike. What has
// been found before stays known: NATS may be without a leader for a moment.
func (k *Keeper) reportFailure(err error) {
	if err.Error() == k.failure {
		return
	}
	k.failure = err.Error()
	hint := LookHint(err)
	k.noteFailure(k.failure, hint)
	k.logger().Warn("cannot look after the stream yet, trying on", zap.Error(err), zap.String("hint", hint))
}

// report logs findings that differ from those of the last look.
func (k *Keeper) report(seen *streamsSeen) {
	streams, findings := seen.names, seen.findings()
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

// LookHint says what to do when streams cannot be looked at.
func LookHint(err error) string {
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return "check that JetStream is on in the server and for this account, and the option domain"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, context.Canceled):
		return "events may be published all the same; to have the stream looked after, allow the user to publish to " +
			"$JS.API.STREAM.NAMES and $JS.API.STREAM.INFO.*; if it may, JetStream has no leader at the moment"
	}
	return "check it with `nats stream ls --subjects`"
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
	s.Stream = &report.StreamStatus{Names: names, Batched: batched, Findings: seen.findings(), Failure: seen.failure}
	if seen.missing != "" {
		s.AddProblem("stream", "", "%s", seen.missing)
	}
	for _, lack := range seen.lacks {
		s.AddProblem("stream", lack.Remedy, "the stream %s", lack.Found)
	}
	if seen.failure != "" && s.Connected != nil && *s.Connected {
		s.AddProblem("stream", seen.hint, "the stream cannot be looked after: %s", seen.failure)
	}
	return seen.takes || seen.failure != ""
}
