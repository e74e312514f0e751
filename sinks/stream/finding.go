// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// findings gathers what is found about a stream. Each text begins with the stream's name.
type findings struct {
	report.CheckList
	stream string
}

func (f *findings) add(mark report.Mark, when bool, remedy, format string, args ...any) {
	if when {
		f.Add(mark, "stream", remedy, "%s %s", f.stream, fmt.Sprintf(format, args...))
	}
}

func (f *findings) warn(when bool, remedy, format string, args ...any) {
	f.add(report.Warning, when, remedy, format, args...)
}

// Inspect names what keeps a stream from taking every event, or from keeping it. The
// stream is behind a server with this max_payload, and may be the only one that takes
// events. What may well be meant is OK: it is told to those who ask, and no warning.
func (k *Keeper) Inspect(info *jetstream.StreamInfo, maxPayload int64, alone bool) []report.Check {
	f := findings{stream: info.Config.Name}
	k.inspectTaking(&f, &info.Config, maxPayload, alone)
	k.inspectKeeping(&f, info)
	return f.CheckList
}

// inspectTaking looks at what keeps a stream from taking events.
func (k *Keeper) inspectTaking(f *findings, config *jetstream.StreamConfig, maxPayload int64, alone bool) {
	limit, edit := k.maxEventSize, "nats stream edit --force "+config.Name
	partly := report.Warning // another stream may take the rest
	if alone {
		partly = report.Problem
	}
	f.add(partly, !slices.ContainsFunc(config.Subjects, func(s string) bool { return subject.Covers(s, k.Subject) }),
		"add what is missing to its subjects: "+edit+" --subjects",
		"does not cover all of %s", k.Subject)
	f.add(report.Problem, config.Sealed,
		"a stream stays sealed for ever: delete it (nats stream rm "+config.Name+") or take the subject from it ("+edit+
			" --subjects <another>), and create another stream for the subject",
		"is sealed and takes nothing more")
	f.add(report.Problem, config.NoAck, "have it acknowledge: "+edit+" --ack",
		"has no_ack set, so that an event counts as failed when it is stored as well")
	f.warn(config.Duplicates < time.Minute, "set the duplicate window to 5m or longer: "+edit+" --dupe-window 5m",
		"recognises repeated events for only %v", config.Duplicates)
	f.warn(config.MaxMsgSize > 0 && int64(config.MaxMsgSize) < limit,
		fmt.Sprintf("%s --max-msg-size %d, or lower max_event_size here", edit, limit+EnvelopeRoom),
		"takes messages of at most %d bytes, the handler events of %d", config.MaxMsgSize, limit)
	f.warn(maxPayload > 0 && maxPayload < limit,
		"raise max_payload in the configuration of the server, or lower max_event_size here",
		"is behind a server that takes messages of at most %d bytes, the handler events of %d", maxPayload, limit)
	f.warn(config.DiscardNewPerSubject, "set discard_new_per_subject to false in the stream's configuration",
		"refuses events of a subject that is full, and they hold up those of the others")
}

// inspectKeeping looks at what has a stream lose what it has acknowledged.
func (k *Keeper) inspectKeeping(f *findings, info *jetstream.StreamInfo) {
	config := &info.Config
	edit := "nats stream edit --force " + config.Name
	f.warn(config.Discard == jetstream.DiscardOld, "set discard to new: "+edit+" --discard new",
		"drops its oldest events when it is full")
	f.warn(config.PersistMode == jetstream.AsyncPersistMode,
		"copy it into a stream with the default persist_mode, which cannot be changed",
		"acknowledges events before it has stored them: a crash of the server loses some")
	f.warn(config.MaxMsgsPerSubject > 0 && !config.DiscardNewPerSubject, "lift the limit: "+edit+" --max-msgs-per-subject=-1",
		"keeps no more than %d events of a subject and drops the older ones", config.MaxMsgsPerSubject)
	f.warn(config.Retention == jetstream.InterestPolicy && info.State.Consumers == 0,
		"create the consumer before events come, or copy the stream into one with the retention limits, which cannot be changed to",
		"drops every event, since its retention is interest and it has no consumer")
	f.add(report.OK, config.Retention == jetstream.InterestPolicy && info.State.Consumers > 0,
		"use the retention limits if others are to read them later",
		"drops events when its consumers have them, since its retention is interest")
	f.warn(config.Storage == jetstream.MemoryStorage, "copy it into a stream with the storage file, which cannot be changed",
		"is in memory: a restart of the server loses what it has acknowledged")
	f.warn(!config.AllowBatchPublish, "set allow-fast on nats-server 2.14 or newer: "+edit+" --allow-fast",
		"does not allow batched publishing, which costs less")
	f.add(report.OK, config.Replicas <= 1 && info.Cluster != nil && info.Cluster.Name != "", "keep copies on three servers: "+edit+" --replicas 3",
		"is on one server of a cluster alone")
	f.add(report.OK, config.MaxAge > 0 && config.MaxAge < day, "raise it if a consumer may be away for longer: "+edit+" --max-age 7d",
		"drops events after %v", config.MaxAge)
}

const day = 24 * time.Hour

// EnvelopeRoom is what the handler may add to an event: times, message id, library,
// and a user agent and a referrer of a usual length.
const EnvelopeRoom = 4 << 10
