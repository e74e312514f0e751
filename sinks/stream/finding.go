// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// Finding is something that keeps a stream from taking every event, or from
// keeping it. The text begins with the name of the stream.
type Finding struct {
	Text, Remedy string
	// Hint is set for what may well be meant: it is told to those who ask, and no
	// warning.
	Hint bool
}

// String is what the log and the status say of it.
func (f Finding) String() string { return f.Text + ": " + f.Remedy }

// findings gathers what is found about a stream.
type findings struct {
	stream string
	list   []Finding
}

func (f *findings) add(when bool, remedy, format string, args ...any) {
	if when {
		f.list = append(f.list, Finding{Text: f.stream + " " + fmt.Sprintf(format, args...), Remedy: remedy})
	}
}

func (f *findings) hint(when bool, remedy, format string, args ...any) {
	f.add(when, remedy, format, args...)
	if when {
		f.list[len(f.list)-1].Hint = true
	}
}

// Warnings are the findings that are no hints.
func Warnings(found []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Hint })
}

// Inspect names what a stream lacks that is behind a server with this max_payload.
func (k *Keeper) Inspect(info *jetstream.StreamInfo, maxPayload int64) []Finding {
	config := &info.Config
	f := findings{stream: config.Name}
	k.inspectTaking(&f, config, maxPayload)
	k.inspectKeeping(&f, info)
	return f.list
}

// inspectTaking looks at what keeps a stream from taking events.
func (k *Keeper) inspectTaking(f *findings, config *jetstream.StreamConfig, maxPayload int64) {
	add := f.add
	limit, edit := k.maxEventSize, "nats stream edit --force "+config.Name
	add(!slices.ContainsFunc(config.Subjects, func(s string) bool { return subject.Covers(s, k.Subject) }),
		"add what is missing to its subjects: "+edit+" --subjects",
		"does not cover all of %s", k.Subject)
	add(config.Sealed,
		"a stream stays sealed for ever: delete it (nats stream rm "+config.Name+") or take the subject from it ("+edit+
			" --subjects <another>), and create another stream for the subject",
		"is sealed and takes nothing more")
	add(config.NoAck, "have it acknowledge: "+edit+" --ack",
		"has no_ack set, so that an event counts as failed when it is stored as well")
	add(config.Duplicates < time.Minute, "set the duplicate window to 5m or longer: "+edit+" --dupe-window 5m",
		"recognises repeated events for only %v", config.Duplicates)
	add(config.MaxMsgSize > 0 && int64(config.MaxMsgSize) < limit,
		fmt.Sprintf("%s --max-msg-size %d, or lower max_event_size here", edit, limit+EnvelopeRoom),
		"takes messages of at most %d bytes, the handler events of %d", config.MaxMsgSize, limit)
	add(maxPayload > 0 && maxPayload < limit,
		"raise max_payload in the configuration of the server, or lower max_event_size here",
		"is behind a server that takes messages of at most %d bytes, the handler events of %d", maxPayload, limit)
	add(config.DiscardNewPerSubject, "set discard_new_per_subject to false in the stream's configuration",
		"refuses events of a subject that is full, and they hold up those of the others")
}

// inspectKeeping looks at what has a stream lose what it has acknowledged.
func (k *Keeper) inspectKeeping(f *findings, info *jetstream.StreamInfo) {
	config := &info.Config
	add, edit := f.add, "nats stream edit --force "+config.Name
	add(config.Discard == jetstream.DiscardOld, "set discard to new: "+edit+" --discard new",
		"drops its oldest events when it is full")
	add(config.PersistMode == jetstream.AsyncPersistMode,
		"copy it into a stream with the default persist_mode, which cannot be changed",
		"acknowledges events before it has stored them: a crash of the server loses some")
	add(config.MaxMsgsPerSubject > 0 && !config.DiscardNewPerSubject, "lift the limit: "+edit+" --max-msgs-per-subject=-1",
		"keeps no more than %d events of a subject and drops the older ones", config.MaxMsgsPerSubject)
	add(config.Retention == jetstream.InterestPolicy && info.State.Consumers == 0,
		"create the consumer before events come, or copy the stream into one with the retention limits, which cannot be changed to",
		"drops every event, since its retention is interest and it has no consumer")
	f.hint(config.Retention == jetstream.InterestPolicy && info.State.Consumers > 0,
		"use the retention limits if others are to read them later",
		"drops events when its consumers have them, since its retention is interest")
	add(config.Storage == jetstream.MemoryStorage, "copy it into a stream with the storage file, which cannot be changed",
		"is in memory: a restart of the server loses what it has acknowledged")
	add(!config.AllowBatchPublish, "set allow-fast on nats-server 2.14 or newer: "+edit+" --allow-fast",
		"does not allow batched publishing, which costs less")
	f.hint(config.Replicas <= 1 && info.Cluster != nil && info.Cluster.Name != "", "keep copies on three servers: "+edit+" --replicas 3",
		"is on one server of a cluster alone")
	f.hint(config.MaxAge > 0 && config.MaxAge < day, "raise it if a consumer may be away for longer: "+edit+" --max-age 7d",
		"drops events after %v", config.MaxAge)
}

const day = 24 * time.Hour

// EnvelopeRoom is what the handler may add to an event: times, message id, library,
// and a user agent and a referrer of a usual length.
const EnvelopeRoom = 4 << 10
