// SPDX-License-Identifier: Apache-2.0

package examine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// fullFrom is the part of a limit from which it is spoken of.
const fullFrom = 0.9

// JetStream looks at what the jetstream sink needs.
func JetStream(ctx context.Context, x *Subject) []report.Check {
	e := newNATSExamination(x)
	defer e.close()
	if e.reach(ctx, x.Connection, x.Domain) {
		e.permissions(ctx)
		e.streams(ctx, x.Stream)
	} else {
		e.Skipped("permissions, stream", "", "not looked at, since NATS was not reached")
	}
	e.spool(x.Spool)
	return e.CheckList
}

// streams looks at the streams as the sink does when it runs, but creates none.
func (e *examination) streams(ctx context.Context, configured *stream.Stream) {
	if !e.jetStream(ctx) {
		return
	}
	keeper := stream.NewKeeper(e.subject, configured, e.maxEventSize)
	creates := configured != nil && configured.Create != nil
	if creates {
		named := *configured
		named.Create = nil
		keeper.Stream = &named
	}
	infos, err := keeper.Find(ctx, e.Js)
	if err != nil {
		e.Skipped("stream", stream.LookHint(err), "it cannot be looked at: %s", e.Scrub(err))
		return
	}
	if len(infos) == 0 {
		if others := keeper.Others(ctx, e.Js); creates && len(others) == 0 {
			e.OK("stream", "there is no stream %s yet: it is created when Caddy runs", configured.Name)
		} else {
			e.missing(keeper, others)
		}
		e.payload(e.Nc.MaxPayload(), "")
		return
	}
	if configured == nil && len(infos) > 1 {
		e.manyStreams(infos)
	}
	for _, info := range infos {
		e.stream(keeper, info, len(infos) == 1)
	}
}

// missing says that there is no stream, and what to do: NATS would refuse another one for
// a subject that some stream has.
func (e *examination) missing(keeper *stream.Keeper, others []string) {
	remedy := "write stream " + strings.Join(others, " or ") + " into the block of the sink, or take the subject from it (nats stream edit --subjects) and create " + keeper.Name()
	if len(others) == 0 {
		remedy = "nats stream add " + keeper.Name() + " --subjects '" + e.subject + "' --discard new --dupe-window 5m --allow-fast --defaults"
	}
	e.Problem("stream", remedy, "%s", keeper.Missing(others))
}

// jetStream checks whether it is on, and how much of the account's share is used.
func (e *examination) jetStream(ctx context.Context) bool {
	const name = "JetStream"
	ctx, cancel := halfOf(ctx)
	defer cancel()
	e.WhenRefused(cancel)
	defer e.WhenRefused(nil)
	account, err := e.Js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount),
		errors.Is(err, nats.ErrNoResponders):
		e.Problem(name, "write jetstream {} into the server's configuration and allow it to this account; check the option domain if JetStream is on another server",
			"it is off for this account: events cannot be stored")
		return false
	case err != nil:
		// A user may be allowed to publish, and no more.
		e.Skipped(name, "allow the user to publish to $JS.API.INFO", "it cannot be asked: %s", e.Scrub(err))
		return true
	}
	limit, used := account.Limits.MaxStore, account.Store
	if limit > 0 && float64(used) >= fullFrom*float64(limit) {
		e.Warning(name, "raise the limit of the account, or remove what is no longer needed",
			"the account uses %s of %s: streams take nothing more when they reach that", size(int64(used)), size(limit))
		return true
	}
	e.OK(name, "it is on for this account, whose streams (%d) take %s", account.Streams, size(int64(used)))
	return true
}

func (e *examination) manyStreams(infos []*jetstream.StreamInfo) {
	var names []string
	for _, info := range infos {
		names = append(names, info.Config.Name)
	}
	e.Warning("stream", "have one stream for all of them: batched publish, which costs less, needs that",
		"several streams share the subject %s: %s", e.subject, strings.Join(names, ", "))
}

func (e *examination) stream(keeper *stream.Keeper, info *jetstream.StreamInfo, alone bool) {
	config := info.Config
	findings := keeper.Inspect(info, e.Nc.MaxPayload(), alone)
	e.CheckList = append(e.CheckList, findings...)
	if !slices.ContainsFunc(findings, func(finding report.Check) bool { return finding.Mark != report.OK }) {
		e.OK("stream", "%s takes %s, recognises repeated events for %v and allows batched publish",
			config.Name, strings.Join(config.Subjects, ", "), config.Duplicates)
	}
	e.room(info)
	limit, smaller := e.Nc.MaxPayload(), ""
	if own := int64(config.MaxMsgSize); own > 0 && own < limit {
		limit, smaller = own, config.Name
	}
	if limit >= e.maxEventSize { // otherwise it is among the findings
		e.payload(limit, smaller)
	}
}

// room compares what a stream holds with its limits. One that drops its oldest events
// always has room, and is spoken of elsewhere.
func (e *examination) room(info *jetstream.StreamInfo) {
	const name = "room"
	config, state := info.Config, info.State
	if config.Discard != jetstream.DiscardNew {
		return
	}
	full := e.limit(config.Name, "messages", float64(state.Msgs), float64(config.MaxMsgs), 1)
	// A stream is full before its last byte: the next event does not fit.
	average := float64(state.Bytes) / float64(max(state.Msgs, 1))
	full = e.limit(config.Name, "bytes", float64(state.Bytes), float64(config.MaxBytes), max(average, 1)) || full
	if full {
		return
	}
	if config.MaxMsgs <= 0 && config.MaxBytes <= 0 {
		e.OK(name, "%s has %d messages and no limit but the server's", config.Name, state.Msgs)
		return
	}
	e.OK(name, "%s has %d messages, %s, oldest %s", config.Name, state.Msgs, size(int64(state.Bytes)), age(state.FirstTime))
}

// limit tells whether it has found something.
func (e *examination) limit(stream, what string, used, limit, next float64) bool {
	const name = "room"
	remedy := "raise its limits (nats stream edit --force " + stream + "), or see why nobody consumes it"
	switch {
	case limit <= 0 || used < fullFrom*limit && used+next <= limit:
		return false
	case used+next > limit:
		e.Problem(name, remedy, "%s is full, with %.0f of %.0f %s: it refuses new events, which wait in the spool until that is full, too",
			stream, used, limit, what)
	default:
		e.Warning(name, remedy, "%s is at %.0f %% of its limit, with %.0f of %.0f %s", stream, 100*used/limit, used, limit, what)
	}
	return true
}

func age(t time.Time) string {
	if t.IsZero() || t.Unix() <= 0 {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
